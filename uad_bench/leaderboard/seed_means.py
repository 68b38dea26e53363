"""Means over seeds: of a number, with its deviations, and of what a method costs."""

import math
from collections.abc import Sequence
from typing import Any

from uad_bench.leaderboard.run_summary import Cost, Number
from uad_bench.leaderboard.table import Cell


def over_seeds(
    numbers: Sequence[Number], deterministic: bool = False, folds: Sequence[int | None] = ()
) -> Cell:
    """Mean and sample deviation of the seeds' defined values; a deterministic method has no deviation.

    With the fold of each number: the mean of the folds' means, the deviation within folds, and that of their means.
    """
    n, undefined = min(number.n for number in numbers), max(number.undefined for number in numbers)
    reason = " ".join(sorted({word for number in numbers for word in number.reason.split()}))
    marks = {"oracle": any(n.oracle for n in numbers), "lower": any(n.lower for n in numbers)}
    sets: dict[int | None, list[float]] = {}
    for number, fold in zip(numbers, folds or [None] * len(numbers), strict=True):
        if number.value is not None:
            sets.setdefault(fold, []).append(number.value)
    if not sets:
        return Cell(None, None, 0, n, undefined, reason, **marks)
    means = [math.fsum(values) / len(values) for values in sets.values()]
    sd = None if deterministic else _deviation(list(sets.values()))
    count = sum(map(len, sets.values()))
    return Cell(
        math.fsum(means) / len(means), sd, count, n, undefined, reason, fold_sd=_deviation([means]), **marks
    )


def _deviation(sets: Sequence[Sequence[float]]) -> float | None:
    """The sample deviation within sets, pooled; None where no set has two values."""
    free = sum(len(values) - 1 for values in sets)
    if not free:
        return None
    means = [math.fsum(values) / len(values) for values in sets]
    squares = [(v - mean) ** 2 for values, mean in zip(sets, means, strict=True) for v in values]
    return math.sqrt(math.fsum(squares) / free)


def mean_cost(costs: Sequence[Cost]) -> Cost:
    """The means of what was recorded; the device where it is the same for all, else all of them."""
    means = [_mean_of([cost[i] for cost in costs]) for i in range(len(Cost._fields) - 1)]
    parameters, score_s, fit_s, peak, gpu = means
    devices = sorted({cost.device for cost in costs} - {""})
    return Cost(_whole(parameters), score_s, fit_s, _whole(peak), _whole(gpu), ", ".join(devices))


def _mean_of(values: Sequence[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
