"""All methods on the same test cases, from stored maps: the pictures behind a table's numbers."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uad_bench import plugins
from uad_bench.cohort.cohort import Member
from uad_bench.cohort.discovery import Sources
from uad_bench.errors import DataError, UsageError
from uad_bench.figures.run_figures import MOST_CASES, kind_of, typical
from uad_bench.leaderboard.collect import summarise
from uad_bench.leaderboard.aggregate import runs_by_label
from uad_bench.results.run_cases import Row, available_members, tested_rows
from uad_bench.results.run_directory import RunDir
from uad_bench.results.scored_maps import ScoredMaps

if TYPE_CHECKING:
    from uad_bench.figures.method_grid import Shown
    from uad_bench.leaderboard.run_summary import RunSummary

log = logging.getLogger(__name__)

METRIC = "ap"


@dataclass(frozen=True, eq=False)
class Pick:
    """The run that stands for a method: that of the lowest seed and fold."""

    label: str
    run: RunDir
    summary: "RunSummary"


def beside(runs: Sequence[RunDir], wanted: Collection[str], test: str, sources: Sources, to: Path) -> int:
    """Write the picture of some complete runs to the PNG `to`: how many methods it shows, those of higher AP first.

    wanted: case ids, none: typical ones; test: which test set, by default the first of the first run. Raises
    UsageError where the runs share no test case, DataError where a run kept no maps or the data is another,
    IntegrityError where a run was edited.
    """
    from uad_bench.figures.method_grid import draw_beside

    picks = picked(runs)
    dataset = plugins.label(test or picks[0].run.spec().test[0])
    rows = shared([pick.run for pick in picks], wanted, dataset)
    some = available_members(picks[0].run, rows, sources)
    if not wanted:
        some = [some[index] for index in typical(some)[:MOST_CASES]]
    shown = [_shown(pick, some, dataset) for pick in picks]
    shown.sort(key=lambda one: (-(one.mean if one.mean is not None else -1.0), one.label))
    title = f"{picks[0].run.spec().protocol.name}, {dataset}: each map on its own scale, inside the brain"
    draw_beside(to, shown, METRIC.upper(), title)
    return len(shown)


def picked(runs: Sequence[RunDir]) -> list[Pick]:
    """One run for each row of a table. Raises UsageError where there is none, or runs of several protocols (UB242),
    and as `RunDir.verify`."""
    found = {id(summary): (run, summary) for run in runs if (summary := summarise(run)).state == "complete"}
    if not found:
        raise UsageError(
            "no complete run", where=", ".join(run.name for run in runs[:3]), hint="finish one with --resume"
        )
    protocols = {f"{one.protocol} {one.fingerprint}" for _, one in found.values()}
    if len(protocols) > 1:
        what = f"the runs are of {len(protocols)} protocols: {', '.join(sorted(protocols)[:3])}"
        raise UsageError(what, hint="name the runs of one", code="UB242")
    rows = runs_by_label(summary for _, summary in found.values())
    firsts = {label: min(some, key=lambda one: (one.seed, one.fold or 0)) for label, some in rows.items()}
    return [Pick(label, *found[id(one)]) for label, one in firsts.items()]


def shared(runs: Sequence[RunDir], wanted: Collection[str], dataset: str) -> list[Row]:
    """The rows of the first run's test cases that all runs tested on, with equal voxels.

    Raises UsageError where there is none, or where one that is wanted is not among them.
    """
    known = [{(row["case_id"], row["content"]) for row in tested_rows(run, (), dataset)} for run in runs]
    common = set.intersection(*known)
    ours = tested_rows(runs[0], wanted, dataset)
    rows = [row for row in ours if (row["case_id"], row["content"]) in common]
    if not rows or (wanted and len(rows) < len(ours)):
        odd = next((run for run, own in zip(runs, known, strict=True) if not own & known[0]), runs[-1])
        hint = "give runs of one protocol on the same data"
        raise UsageError(
            f"the runs share no such test case of {dataset}", where=odd.name, hint=hint, code="UB241"
        )
    return rows


def _shown(pick: Pick, some: Sequence[Member], dataset: str) -> "Shown":
    """The method's maps of these cases as they were evaluated, and their metric."""
    from uad_bench.figures.method_grid import Shown
    from uad_bench.figures.slices import Panel

    run, spec = pick.run, pick.run.spec()
    if not (run.path / "maps").is_dir():
        raise DataError("the run kept no maps", where=run.name, hint="run it again with --keep-maps all")
    run.verify(maps=True, model=False)
    panels = []
    for member, view in zip(some, ScoredMaps(run, some, spec), strict=True):
        image, lesion = (
            np.array(member.prepared.scan().image[0]),
            np.array(view.lesion_mask),
        )  # not mapped: they stay
        given = view.map, np.array(view.brain_mask), lesion, view.spacing
        panels.append(Panel(member.case.case_id, kind_of(member), image, *given))
    values: Mapping[str, float | None] = pick.summary.results[dataset].cases.get(METRIC, {})
    known = [value for value in values.values() if value is not None]
    mean = sum(known) / len(known) if known else None
    log.info(f"{pick.label} seed {spec.seed}: {len(panels)} maps")
    fold = "" if spec.fold is None else f", fold {spec.fold}"
    return Shown(
        pick.label, f"seed {spec.seed}{fold}", panels, [values.get(m.case.case_id) for m in some], mean
    )
