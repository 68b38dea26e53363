"""Runs -> tables: one ranking for each set of runs that share everything a number depends on.

A metric is averaged over seeds; its deviation over seeds has n - 1 below the line and is given from two seeds
on. A seed that failed is counted and told, never averaged away: the row stays without a rank. Folds are no seeds:
the deviation is that of the seeds within a fold, and the folds have one of their own.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from uad_bench.errors import UsageError
from uad_bench.leaderboard.comparability import key_of, why_on
from uad_bench.leaderboard.layout.labels import labelled
from uad_bench.leaderboard.run_summary import ORACLE, STAGE, Name, Number, RunSummary
from uad_bench.leaderboard.seed_means import mean_cost, over_seeds
from uad_bench.leaderboard.statistics import judge
from uad_bench.leaderboard.statistics.evidence import Evidence
from uad_bench.leaderboard.table import Cell, Key, Reported, Row, Table


def tables(runs: Iterable[RunSummary], reported: Iterable[Reported] = ()) -> list[Table]:
    """The tables of some runs, by protocol and dataset. Of twin runs (equal but for their place) one counts.

    Raises UsageError where a protocol would rank by an oracle, a metric of which less is better, or a clean-up step.
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
    primary = _primary(runs, key.test)
    tested = runs[0].tested[key.test]
    sets = {label: _one_a_seed(members) for label, members in labelled(runs).items()}
    rows = [_row(label, members, key.test, primary, papers) for label, members in sets.items()]
    table = Table(
        key, primary, tested.lesion, tested.healthy, _ranked(rows, primary), stages=_stages(runs, key.test)
    )
    return judge.judged(table, {label: _evidence(members, key.test) for label, members in sets.items()})


def _stages(runs: Sequence[RunSummary], test: str) -> tuple[str, ...]:
    """The clean-up steps that runs have numbers of, in their order: "raw", "median" ..."""
    names = (metric for run in runs for _, metric in run.tested[test].numbers if STAGE in metric)
    return tuple(dict.fromkeys(name.partition(STAGE)[0] for name in names))


def _evidence(runs: Sequence[RunSummary], test: str) -> Evidence:
    done = [run for run in runs if run.state == "complete"]
    fixed = bool(done) and done[0].deterministic
    return Evidence([run.tested[test] for run in done], [run.fold for run in done], fixed)


def _primary(runs: Sequence[RunSummary], test: str) -> str:
    """The metric that most of the runs are to be ranked by; it is no part of the fingerprint."""
    names = Counter(sorted(run.primary for run in runs))
    primary = names.most_common(1)[0][0]
    numbers = [number for run in runs if (number := run.tested[test].numbers.get(("all", primary)))]
    faults = {
        "which looks at the test labels": ORACLE in primary or any(number.oracle for number in numbers),
        "of which a lower value is better": any(number.lower for number in numbers),
        "which is of maps before they are clean": STAGE in primary,
    }
    for fault in (fault for fault, found in faults.items() if found):
        raise UsageError(
            f"a table cannot be ranked by {primary!r}, {fault}",
            where=f"protocol {runs[0].protocol}",
            hint="choose another primary metric, one without an oracle, of which more is better, like ap.case",
        )
    return primary


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
        None,
        label,
        runs[0].method,
        known[0].null,
        known[0].deterministic,
        len(done),
        len(runs),
        _cells(done, test, known[0].deterministic),
        failures,
        _printed(runs[0], test, papers),
        tuple(sorted({mark for run in runs for mark in run.marks})),
        paper=known[0].paper,
        baseline=known[0].baseline,
        cost=mean_cost([run.cost for run in done]),
        folds=len({run.fold for run in runs} - {None}),
    )


def _failure(label: str, run: RunSummary) -> str:
    """A run that is not complete, and why."""
    fold = "" if run.fold is None else f" fold {run.fold}"
    how = "failed" if run.state == "failed" else "not finished"
    return f"{label} seed {run.seed}{fold}: {how}{': ' if run.error else ''}{run.error}"


def _cells(runs: Sequence[RunSummary], test: str, deterministic: bool) -> dict[Name, Cell]:
    found: dict[Name, list[tuple[Number, int | None]]] = {}
    for run in runs:
        for name, number in run.tested[test].numbers.items():
            found.setdefault(name, []).append((number, run.fold))
    return {
        name: over_seeds([n for n, _ in pairs], deterministic, [fold for _, fold in pairs])
        for name, pairs in sorted(found.items())
    }


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
