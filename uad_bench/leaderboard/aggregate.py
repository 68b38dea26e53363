"""Run summaries -> tables: one ranking for each set of runs that agree in everything that results depend on.

A metric is averaged over seeds; its sample standard deviation (ddof = 1) needs at least two seeds. A failed seed is
listed and never averaged away: its row has no rank. Folds are not seeds: the standard deviation is that of the seeds
within folds, and the fold means have one of their own.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from uad_bench.errors import UsageError
from uad_bench.evaluate.postprocess import STEPS, PredictionStep, Step
from uad_bench.leaderboard.comparability import belongs, difference_on, table_key
from uad_bench.leaderboard.run_summary import ORACLE, STEP_SEPARATOR, MetricValue, Name, RunSummary
from uad_bench.leaderboard.seed_means import mean_cost, mean_over_seeds
from uad_bench.leaderboard.statistics import ranking
from uad_bench.leaderboard.statistics.row_data import RowData
from uad_bench.leaderboard.statistics.table_statistics import add_statistics
from uad_bench.leaderboard.table import Cell, Reported, Row, Table, TableKey
from uad_bench.types import TRACKS


def tables(runs: Iterable[RunSummary], reported: Iterable[Reported] = ()) -> list[Table]:
    """The tables of some runs with all statistics, sorted by protocol and dataset.

    Of runs that are equal except for their location, one counts. Raises UsageError where the primary metric of a
    protocol is an oracle, has lower values for better results, or belongs to an intermediate post-processing step.
    """
    papers = list(reported)
    groups = _groups(runs)
    first: dict[str, RunSummary] = {}
    found = []
    for key in sorted(groups, key=_order):
        members = groups[key]
        known = next((run for run in members if not run.null), members[0])
        first.setdefault(key.test, known)
        table = _table(key, members, papers)
        reason = difference_on(first[key.test], known, key.test)
        found.append(replace(table, not_comparable=reason, tracks=_tracks(key, groups)))
    return found


def _groups(runs: Iterable[RunSummary]) -> dict[TableKey, list[RunSummary]]:
    """The runs of each table. Controls are in the tables of every track, and have one of their own without any."""
    ordered = sorted(runs, key=lambda run: (not run.complete, run.name))
    keys = {table_key(run, test) for run in ordered if not run.null for test in run.results}
    shared = {key.without_track for key in keys}
    keys |= {
        key
        for run in ordered
        if run.null
        for test in run.results
        if (key := table_key(run, test)).without_track not in shared
    }
    return {key: [run for run in ordered if belongs(run, key)] for key in keys}


def _order(key: TableKey) -> tuple[TableKey, int, str]:
    """Tables by protocol and dataset, those of one kind in the order of the tracks."""
    return key.without_track, _place(key.track), key.track


def _place(track: str) -> int:
    return list(TRACKS).index(track) if track in TRACKS else len(TRACKS)


def _tracks(key: TableKey, groups: Iterable[TableKey]) -> tuple[str, ...]:
    """The tracks of the tables with the same data and protocol."""
    found = {other.track for other in groups if other.without_track == key.without_track}
    return tuple(sorted(found, key=lambda track: (_place(track), track)))


def runs_by_label(runs: Iterable[RunSummary]) -> dict[str, list[RunSummary]]:
    """The runs of each row, by its label.

    That is "method", or "method [steps=50]" where parameters differ from the protocol's preset or between rows. The
    label of a version of a method that is not the installed one ends in "(version 1)".
    """
    methods: dict[str, dict[str, list[RunSummary]]] = {}
    for run in runs:
        settings = json.dumps(run.settings, sort_keys=True)
        methods.setdefault(run.method, {}).setdefault(settings, []).append(run)
    return {
        _with_version(label, members[0]): members
        for method, by_settings in sorted(methods.items())
        for label, members in zip(_labels(method, by_settings), by_settings.values(), strict=True)
    }


def _with_version(label: str, run: RunSummary) -> str:
    return f"{label} (version {run.version})" if run.outdated else label


def _labels(method: str, by_settings: Mapping[str, Sequence[RunSummary]]) -> list[str]:
    """A label for each set of settings: the method, the settings that differ, and those that are not the preset's."""
    values = [json.loads(text) for text in by_settings]
    names = {name for value in values for name in value}
    varying = {name for name in names if len({_json(value.get(name)) for value in values}) > 1}
    return [
        _label(
            method, {name: one for name, one in value.items() if name in varying} | dict(members[0].changed)
        )
        for value, members in zip(values, by_settings.values(), strict=True)
    ]


def _label(method: str, told: Mapping[str, Any]) -> str:
    texts = [f"{name}={_setting_text(value)}" for name, value in sorted(told.items())]
    return f"{method} [{', '.join(texts)}]" if texts else method


def _json(value: Any) -> str:  # any JSON value
    return json.dumps(value, sort_keys=True)


def _setting_text(value: Any) -> str:  # any JSON value
    return value if isinstance(value, str) else _json(value)


def _table(key: TableKey, runs: Sequence[RunSummary], papers: Sequence[Reported]) -> Table:
    primary = _primary_metric(runs, key.test)
    results = runs[0].results[key.test]
    by_label = {label: one_run_per_seed(members) for label, members in runs_by_label(runs).items()}
    rows = [_row(label, members, key.test, primary, papers) for label, members in by_label.items()]
    steps = _steps(runs, key.test)
    table = Table(
        key,
        primary,
        results.lesion,
        results.healthy,
        _ranked(rows, primary),
        steps=steps,
        after_threshold=_after_threshold(runs[0]),
    )
    data = {row.label: _row_data(by_label[row.label], key.test, row) for row in rows}
    return add_statistics(table, data)


def _steps(runs: Sequence[RunSummary], test: str) -> tuple[str, ...]:
    """The post-processing steps with results of their own, in order: "raw", "median" ..."""
    names = (metric for run in runs for _, metric in run.results[test].values if STEP_SEPARATOR in metric)
    return tuple(dict.fromkeys(name.partition(STEP_SEPARATOR)[0] for name in names))


def _after_threshold(run: RunSummary) -> tuple[str, ...]:
    """The names of the post-processing steps on thresholded maps."""
    names = [str(step.get("step")) for step in run.pinned.get("postprocess", ())]
    return tuple(name for name in names if issubclass(STEPS.get(name, Step), PredictionStep))


def _row_data(runs: Sequence[RunSummary], test: str, row: Row) -> RowData:
    done = [run for run in runs if run.complete]
    return RowData([run.results[test] for run in done], [run.fold for run in done], row.deterministic)


def _primary_metric(runs: Sequence[RunSummary], test: str) -> str:
    """The primary metric of most runs, which is not part of the fingerprint."""
    names = Counter(sorted(run.primary for run in runs))
    primary = names.most_common(1)[0][0]
    values = [value for run in runs if (value := run.results[test].values.get(("all", primary)))]
    faults = {
        "which uses the test labels": ORACLE in primary or any(value.oracle for value in values),
        "of which a lower value is better": any(value.lower for value in values),
        "which is computed before all post-processing steps": STEP_SEPARATOR in primary,
    }
    for fault in (fault for fault, found in faults.items() if found):
        raise UsageError(
            f"a table cannot be ranked by {primary!r}, {fault}",
            where=f"protocol {runs[0].protocol}",
            hint="choose a primary metric without an oracle, of which a higher value is better, such as ap.case",
        )
    return primary


def one_run_per_seed(runs: Iterable[RunSummary]) -> list[RunSummary]:
    """The first run of each fold and seed: a repeated run must not count as another seed."""
    seeds: dict[tuple[int, int], RunSummary] = {}
    for run in runs:
        seeds.setdefault((-1 if run.fold is None else run.fold, run.seed), run)
    return [seeds[place] for place in sorted(seeds)]


def _row(label: str, runs: Sequence[RunSummary], test: str, primary: str, papers: Sequence[Reported]) -> Row:
    done = [run for run in runs if run.complete]
    known = done or runs
    failures = tuple(_failure(label, run) for run in runs if not run.complete)
    contradicted = known[0].deterministic and _seeds_differ(done, test)
    deterministic = known[0].deterministic and not contradicted
    return Row(
        None,
        label,
        runs[0].method,
        known[0].null,
        deterministic,
        len(done),
        len(runs),
        _cells(done, test, deterministic),
        failures,
        _reported_for(runs[0], test, papers),
        _marks(label, runs, contradicted=contradicted),
        paper=known[0].paper,
        baseline=known[0].baseline,
        cost=mean_cost([run.cost for run in done]),
        folds=len({run.fold for run in runs} - {None}),
        settings=runs[0].settings,
        models=tuple(run.model for run in done if run.model),
        track=known[0].track,
    )


def _seeds_differ(runs: Sequence[RunSummary], test: str) -> bool:
    """Whether a method that is declared deterministic has different values with different seeds of a fold."""
    first: dict[int | None, Mapping[str, Any]] = {}
    return any(run.results[test].cases != first.setdefault(run.fold, run.results[test].cases) for run in runs)


def _marks(label: str, runs: Sequence[RunSummary], *, contradicted: bool) -> tuple[str, ...]:
    """The remarks on the runs of a row, and one where its seeds contradict its declaration."""
    found = {mark for run in runs for mark in run.marks}
    if contradicted:
        found.add(
            f"{label} is declared deterministic, but its seeds give different values: treated as random"
        )
    return tuple(sorted(found))


def _failure(label: str, run: RunSummary) -> str:
    """One line on a run that is not complete, with the reason."""
    fold = "" if run.fold is None else f" fold {run.fold}"
    how = run.state if run.state in {"failed", "incomplete"} else "not finished"
    return f"{label} seed {run.seed}{fold}: {how}{': ' if run.error else ''}{run.error}"


def _cells(runs: Sequence[RunSummary], test: str, deterministic: bool) -> dict[Name, Cell]:
    found: dict[Name, list[tuple[MetricValue, int | None]]] = {}
    for run in runs:
        for name, value in run.results[test].values.items():
            found.setdefault(name, []).append((value, run.fold))
    return {
        name: mean_over_seeds([value for value, _ in pairs], deterministic, [fold for _, fold in pairs])
        for name, pairs in sorted(found.items())
    }


def _reported_for(run: RunSummary, test: str, papers: Sequence[Reported]) -> tuple[Reported, ...]:
    """Reported results for the method, dataset and modality of a run; a variant is not the method of the paper."""
    method, modalities = run.method, "+".join(run.pinned.get("modalities", ()))
    return tuple(
        paper
        for paper in papers
        if (paper.method, paper.dataset) == (method, test) and paper.modality in {"", modalities}
    )


def _ranked(rows: Iterable[Row], primary: str) -> list[Row]:
    """Controls, ranked rows, then rows with a leak or missing values; ties are sorted by label."""
    controls: list[Row] = []
    ranked: list[Row] = []
    unranked: list[Row] = []
    for row in sorted(rows, key=lambda row: row.label):
        valid = row.complete and not row.leaky and _seeds(row, primary) == row.started
        (controls if row.null else ranked if valid else unranked).append(row)
    ranks = ranking.ranks(np.array([_primary_mean(row, primary) for row in ranked])).tolist()
    placed = [replace(row, rank=rank) for rank, row in zip(ranks, ranked, strict=True)]
    return [*controls, *sorted(placed, key=lambda row: row.rank or 0), *unranked]


def _seeds(row: Row, metric: str) -> int:
    cell = row.cells.get(("all", metric))
    return cell.seeds if cell else 0


def _primary_mean(row: Row, metric: str) -> float:
    mean = row.mean(("all", metric))
    assert mean is not None  # a ranked row has the metric in every seed
    return mean
