"""Comparison of methods on the same test cases, from stored maps: `uad-bench draw methods`."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uad_bench import plugins
from uad_bench.cohort.cohort import Member
from uad_bench.cohort.discovery import Sources
from uad_bench.errors import DataError, UadError, UsageError
from uad_bench.figures.run_figures import MAX_CASES, case_label, typical_cases
from uad_bench.leaderboard.aggregate import runs_by_label
from uad_bench.leaderboard.collect import summarise
from uad_bench.results.run_cases import Row, available_members, rows_of_tests
from uad_bench.results.run_directory import RunDir
from uad_bench.results.scored_maps import ScoredMaps

if TYPE_CHECKING:
    from uad_bench.figures.method_grid import MethodMaps
    from uad_bench.leaderboard.run_summary import RunSummary

log = logging.getLogger(__name__)

METRIC = "ap"


@dataclass(frozen=True, eq=False)
class SelectedRun:
    """The run that represents a row of the leaderboard: that of the lowest seed and fold."""

    label: str
    run: RunDir
    summary: "RunSummary"


def compare_methods(
    runs: Sequence[RunDir], case_ids: Collection[str], test: str, sources: Sources, to: Path
) -> tuple[int, list[UadError]]:
    """Write the method grid of some complete runs to the PNG `to`, methods sorted by mean AP.

    Returns the number of methods, and an error for each case that is left out.

    case_ids: the cases that are shown, empty: typical ones; test: the test dataset, empty: the first one of the first
    run. Raises UsageError where the runs share no test case, DataError where a run has no stored maps or the data
    differ, IntegrityError where a run was edited.
    """
    from uad_bench.figures.method_grid import draw_method_grid

    selected = select_runs(runs)
    dataset = plugins.label(test or selected[0].run.spec().test[0])
    rows = shared_cases([one.run for one in selected], case_ids, dataset)
    cases, left_out = available_members(selected[0].run, rows, sources)
    if not case_ids:
        cases = [cases[index] for index in typical_cases(cases)[:MAX_CASES]]
    methods = [_method_maps(one, cases, dataset) for one in selected]
    methods.sort(key=lambda one: (-(one.mean if one.mean is not None else -1.0), one.label))
    title = f"{selected[0].run.spec().protocol.name}, {dataset}: each map on its own scale, inside the brain"
    draw_method_grid(to, methods, METRIC.upper(), title)
    return len(methods), left_out


def select_runs(runs: Sequence[RunDir]) -> list[SelectedRun]:
    """One run for each row of the leaderboard.

    Raises UsageError without a complete run and for runs of several protocols (UB242), IntegrityError for edited runs.
    """
    found = {id(summary): (run, summary) for run in runs if (summary := summarise(run)).state == "complete"}
    if not found:
        raise UsageError(
            "no complete run", where=", ".join(run.name for run in runs[:3]), hint="finish one with --resume"
        )
    protocols = {f"{one.protocol} {one.fingerprint}" for _, one in found.values()}
    if len(protocols) > 1:
        what = f"the runs have {len(protocols)} protocols: {', '.join(sorted(protocols)[:3])}"
        raise UsageError(what, hint="give runs of one protocol", code="UB242")
    rows = runs_by_label(summary for _, summary in found.values())
    first = {label: min(some, key=lambda one: (one.seed, one.fold or 0)) for label, some in rows.items()}
    return [SelectedRun(label, *found[id(one)]) for label, one in first.items()]


def shared_cases(runs: Sequence[RunDir], case_ids: Collection[str], dataset: str) -> list[Row]:
    """The rows of splits.csv of the first run for the test cases that all runs have, with equal voxels.

    Raises UsageError (UB241) where there is none, or where one of `case_ids` is not shared.
    """
    known = [{(row["case_id"], row["content"]) for row in rows_of_tests(run, (), dataset)} for run in runs]
    common = set.intersection(*known)
    ours = rows_of_tests(runs[0], case_ids, dataset)
    rows = [row for row in ours if (row["case_id"], row["content"]) in common]
    if not rows or (case_ids and len(rows) < len(ours)):
        other = next((run for run, own in zip(runs, known, strict=True) if not own & known[0]), runs[-1])
        hint = "give runs of one protocol on the same data"
        raise UsageError(
            f"the runs do not share these test cases of {dataset}", where=other.name, hint=hint, code="UB241"
        )
    return rows


def _method_maps(selected: SelectedRun, members: Sequence[Member], dataset: str) -> "MethodMaps":
    """The maps of these cases as they were evaluated, after post-processing, with their metric."""
    from uad_bench.figures.method_grid import MethodMaps
    from uad_bench.figures.slices import CaseImages

    run, spec = selected.run, selected.run.spec()
    if not (run.path / "maps").is_dir():
        raise DataError(
            "the run has no stored maps", where=run.name, hint="run it again with --keep-maps all"
        )
    run.verify(maps=True, model=False)
    cases = []
    for member, view in zip(members, ScoredMaps(run, members, spec), strict=True):
        # Copies in memory, since the arrays are used after the mapped files are closed.
        image, brain_mask = np.array(member.prepared.scan().image[0]), np.array(view.brain_mask)
        volumes = image, view.map, brain_mask, np.array(view.lesion_mask), view.spacing
        cases.append(CaseImages(member.case.case_id, case_label(member), *volumes))
    values: Mapping[str, float | None] = selected.summary.results[dataset].cases.get(METRIC, {})
    known = [value for value in values.values() if value is not None]
    mean = sum(known) / len(known) if known else None
    log.info(f"{selected.label} seed {spec.seed}: {len(cases)} maps")
    fold = "" if spec.fold is None else f", fold {spec.fold}"
    by_case = [values.get(member.case.case_id) for member in members]
    return MethodMaps(selected.label, f"seed {spec.seed}{fold}", cases, by_case, mean)
