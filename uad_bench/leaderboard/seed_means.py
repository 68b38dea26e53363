"""Means over seeds of a metric, with standard deviations, and of the computational cost."""

import math
from collections.abc import Sequence
from typing import Any

from uad_bench.leaderboard.run_summary import Cost, MetricValue
from uad_bench.leaderboard.table import Cell


def mean_over_seeds(
    values: Sequence[MetricValue], deterministic: bool = False, folds: Sequence[int | None] = ()
) -> Cell:
    """Mean and sample standard deviation (ddof = 1) of the seeds' defined values.

    folds: the fold of each value; the mean is then that of the fold means, `sd` is pooled over the seeds within folds,
    and `fold_sd` is the standard deviation of the fold means. A deterministic method has no `sd`.

    >>> cell = mean_over_seeds([MetricValue(0.2, 36, 0), MetricValue(0.4, 36, 0)])
    >>> f"{cell.mean:.3f} {cell.sd:.3f} {cell.seeds}"
    '0.300 0.141 2'
    """
    fewest = min(values, key=lambda value: (value.n, -value.undefined))  # both numbers are those of one seed
    n, undefined = fewest.n, fewest.undefined
    reason = " ".join(sorted({word for value in values for word in value.reason.split()}))
    flags: dict[str, Any] = {"oracle": any(v.oracle for v in values), "lower": any(v.lower for v in values)}
    by_fold: dict[int | None, list[float]] = {}
    for value, fold in zip(values, folds or [None] * len(values), strict=True):
        if value.value is not None:
            by_fold.setdefault(fold, []).append(value.value)
    if not by_fold:
        return Cell(None, None, 0, n, undefined, reason, **flags)
    means = [math.fsum(numbers) / len(numbers) for numbers in by_fold.values()]
    sd = None if deterministic else _pooled_sd(list(by_fold.values()))
    count = sum(map(len, by_fold.values()))
    mean = math.fsum(means) / len(means)
    return Cell(mean, sd, count, n, undefined, reason, fold_sd=_pooled_sd([means]), **flags)


def _pooled_sd(groups: Sequence[Sequence[float]]) -> float | None:
    """Sample standard deviation within groups, pooled; None where no group has two values."""
    df = sum(len(values) - 1 for values in groups)
    if not df:
        return None
    means = [math.fsum(values) / len(values) for values in groups]
    squares = [(v - mean) ** 2 for values, mean in zip(groups, means, strict=True) for v in values]
    return math.sqrt(math.fsum(squares) / df)


def mean_cost(costs: Sequence[Cost]) -> Cost:
    """Means of the recorded costs; device: all device names, joined by commas."""
    means = [_mean_of_known([cost[i] for cost in costs]) for i in range(len(Cost._fields) - 1)]
    parameters, score_s, fit_s, peak, gpu = means
    devices = sorted({cost.device for cost in costs} - {""})
    return Cost(_rounded(parameters), score_s, fit_s, _rounded(peak), _rounded(gpu), ", ".join(devices))


def _mean_of_known(values: Sequence[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
