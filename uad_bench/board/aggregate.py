"""Runs -> tables: one ranking for each set of runs that share everything a number depends on.

A metric is averaged over seeds; its deviation over seeds has n - 1 below the line and is given from two seeds
on. A seed that failed is counted and told, never averaged away: the row stays without a rank. Folds are no seeds:
the deviation is that of the seeds within a fold, and the folds have one of their own.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from uad_bench.board import statistics
from uad_bench.board.compare import key_of, why_on
from uad_bench.board.evidence import Evidence
from uad_bench.board.summary import ORACLE, Cell, Cost, Key, Name, Number, Reported, Row, RunSummary, Table
from uad_bench.errors import UsageError


def tables(runs: Iterable[RunSummary], reported: Iterable[Reported] = ()) -> list[Table]:
    """The tables of some runs, by protocol and dataset. Of twin runs (equal but for their place) one counts.

    Raises UsageError where a protocol would rank by an oracle metric.
    """
    papers = list(reported)
    sets: dict[Key, list[RunSummary]] = {}
    for run in sorted(runs, key=lambda run: (run.state != "complete", run.name)):
        for test in run.tested:
            sets.setdefault(key_of(run, test), []).append(run)
    first: dict[str, RunSummary] = {}
    found = []
    for key, members in sorted(sets.items()):
        first.setdefault(key.test, members[0])
        table = _table(key, members, papers)
        found.append(replace(table, apart=why_on(first[key.test], members[0], key.test)))
    return found


def _table(key: Key, runs: Sequence[RunSummary], papers: Sequence[Reported]) -> Table:
    primary = _primary(runs)
    tested = runs[0].tested[key.test]
    sets = {label: _one_a_seed(members) for label, members in labelled(runs).items()}
    rows = [_row(label, members, key.test, primary, papers) for label, members in sets.items()]
    table = Table(key, primary, tested.lesion, tested.healthy, _ranked(rows, primary))
    return statistics.judged(table, {label: _evidence(members, key.test) for label, members in sets.items()})


def _evidence(runs: Sequence[RunSummary], test: str) -> Evidence:
    done = [run for run in runs if run.state == "complete"]
    fixed = bool(done) and done[0].deterministic
    return Evidence([run.tested[test] for run in done], [run.fold for run in done], fixed)


def _primary(runs: Sequence[RunSummary]) -> str:
    """The metric that most of the runs are to be ranked by; it is no part of the fingerprint."""
    names = Counter(sorted(run.primary for run in runs))
    primary = names.most_common(1)[0][0]
    if ORACLE in primary:
        raise UsageError(
            f"a table cannot be ranked by {primary!r}, which looks at the test labels",
            where=f"protocol {runs[0].protocol}",
            hint="choose a primary metric without an oracle",
        )
    return primary


def labelled(runs: Iterable[RunSummary]) -> dict[str, list[RunSummary]]:
    """Runs of one method with one set of parameters, by label: "name", or "name [steps=50]" among several."""
    methods: dict[str, dict[str, list[RunSummary]]] = {}
    for run in runs:
        settings = json.dumps(run.settings, sort_keys=True)
        methods.setdefault(run.method, {}).setdefault(settings, []).append(run)
    return {
        label: members
        for method, sets in sorted(methods.items())
        for label, members in zip(_labels(method, list(sets)), sets.values(), strict=True)
    }


def _labels(method: str, settings: Sequence[str]) -> list[str]:
    """A label for each set of settings: the method and those settings that are not the same in all."""
    if len(settings) == 1:
        return [method]
    values = [json.loads(text) for text in settings]
    names = sorted({name for value in values for name in value})
    telling = [name for name in names if len({_json(value.get(name)) for value in values}) > 1]
    return [f"{method} [{', '.join(f'{n}={_plain(v.get(n))}' for n in telling)}]" for v in values]


def _json(value: Any) -> str:  # noqa: ANN401  # any JSON value
    return json.dumps(value, sort_keys=True)


def _plain(value: Any) -> str:  # noqa: ANN401  # any JSON value
    return value if isinstance(value, str) else _json(value)


def _one_a_seed(runs: Iterable[RunSummary]) -> list[RunSummary]:
    """By fold and seed, the first run of each: a run repeated elsewhere must not pass for another seed."""
    seeds: dict[tuple[int, int], RunSummary] = {}
    for run in runs:
        seeds.setdefault((-1 if run.fold is None else run.fold, run.seed), run)
    return [seeds[place] for place in sorted(seeds)]


def _row(label: str, runs: Sequence[RunSummary], test: str, primary: str, papers: Sequence[Reported]) -> Row:
    done = [run for run in runs if run.state == "complete"]
    known = done or runs
    failures = tuple(_failure(label, run) for run in runs if run.state != "complete")
    return Row(
        None, label, runs[0].method, known[0].null, known[0].deterministic, len(done), len(runs),
        _cells(done, test, known[0].deterministic),
        failures, _printed(runs[0], test, papers), tuple(sorted({mark for run in runs for mark in run.marks})),
        paper=known[0].paper, baseline=known[0].baseline, cost=_cost([run.cost for run in done]),
        folds=len({run.fold for run in runs} - {None}),
    )  # fmt: skip


def _failure(label: str, run: RunSummary) -> str:
    """A run that is not complete, and why."""
    fold = "" if run.fold is None else f" fold {run.fold}"
    how = "failed" if run.state == "failed" else "not finished"
    return f"{label} seed {run.seed}{fold}: {how}{': ' if run.error else ''}{run.error}"


def _cost(costs: Sequence[Cost]) -> Cost:
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


def _cells(runs: Sequence[RunSummary], test: str, deterministic: bool) -> dict[Name, Cell]:
    found: dict[Name, list[tuple[Number, int | None]]] = {}
    for run in runs:
        for name, number in run.tested[test].numbers.items():
            found.setdefault(name, []).append((number, run.fold))
    return {
        name: over_seeds([n for n, _ in pairs], deterministic, [fold for _, fold in pairs])
        for name, pairs in sorted(found.items())
    }


def over_seeds(
    numbers: Sequence[Number], deterministic: bool = False, folds: Sequence[int | None] = ()
) -> Cell:
    """Mean and sample deviation of the seeds' defined values; a deterministic method has no deviation.

    With the fold of each number: the mean of the folds' means, the deviation within folds, and that of their means.
    """
    n, undefined = min(number.n for number in numbers), max(number.undefined for number in numbers)
    reason = " ".join(sorted({word for number in numbers for word in number.reason.split()}))
    sets: dict[int | None, list[float]] = {}
    for number, fold in zip(numbers, folds or [None] * len(numbers), strict=True):
        if number.value is not None:
            sets.setdefault(fold, []).append(number.value)
    if not sets:
        return Cell(None, None, 0, n, undefined, reason)
    means = [math.fsum(values) / len(values) for values in sets.values()]
    sd = None if deterministic else _deviation(list(sets.values()))
    count = sum(map(len, sets.values()))
    return Cell(math.fsum(means) / len(means), sd, count, n, undefined, reason, fold_sd=_deviation([means]))


def _deviation(sets: Sequence[Sequence[float]]) -> float | None:
    """The sample deviation within sets, pooled; None where no set has two values."""
    free = sum(len(values) - 1 for values in sets)
    if not free:
        return None
    means = [math.fsum(values) / len(values) for values in sets]
    squares = [(v - mean) ** 2 for values, mean in zip(sets, means, strict=True) for v in values]
    return math.sqrt(math.fsum(squares) / free)


def _printed(run: RunSummary, test: str, papers: Sequence[Reported]) -> tuple[Reported, ...]:
    """What papers printed for the method, the dataset and the modality of a run; a variant is not the paper's."""
    method, modalities = run.method, "+".join(run.pinned.get("modalities", ()))
    return tuple(
        paper
        for paper in papers
        if (paper.method, paper.dataset) == (method, test) and paper.modality in {"", modalities}
    )


def _ranked(rows: Iterable[Row], primary: str) -> list[Row]:
    """Null rows, ranked rows, rows with a leak or a number missing; names decide the order of ties."""
    null: list[Row] = []
    ranked: list[Row] = []
    rest: list[Row] = []
    for row in sorted(rows, key=lambda row: row.label):
        full = row.complete and not row.leaky and _seeds(row, primary) == row.begun
        (null if row.null else ranked if full else rest).append(row)
    ranked.sort(key=lambda row: -_mean(row, primary))
    means = [_mean(row, primary) for row in ranked]
    placed = [replace(row, rank=means.index(_mean(row, primary)) + 1) for row in ranked]
    return [*null, *placed, *rest]


def _seeds(row: Row, metric: str) -> int:
    cell = row.cells.get(("all", metric))
    return cell.seeds if cell else 0


def _mean(row: Row, metric: str) -> float:
    mean = row.cells["all", metric].mean
    assert mean is not None  # a ranked row has the metric in every seed
    return mean
