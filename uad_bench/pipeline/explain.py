"""Pictures of what a finished run's method does inside: its components, beside truths that it never sees."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uad_bench import plugins
from uad_bench.cohort.cohort import Member
from uad_bench.errors import UsageError
from uad_bench.figures.run_figures import MOST_CASES, kind_of, typical
from uad_bench.pipeline.model import context, stored
from uad_bench.pipeline.run_job import Workplace
from uad_bench.results.run_cases import available_members, tested_rows
from uad_bench.results.run_directory import RunDir

if TYPE_CHECKING:
    from uad_bench.figures.components.sheet import Opened
    from uad_bench.method.base import Method
    from uad_bench.method.context import Context

log = logging.getLogger(__name__)

UNSHOWN = "UB240"


@dataclass(frozen=True)
class Wish:
    """Which test cases to look at: those named, else `count` typical ones; of a test set, by default the first."""

    cases: tuple[str, ...] = ()
    count: int = MOST_CASES
    test: str = ""


def explain(run: RunDir, wish: Wish, place: Workplace, to: Path) -> list[Path]:
    """Write inside.png, inside-density.png and inside-places.png of a complete run into `to`: what was written.

    Raises UsageError for a case that is not there and for a method without components (UB240), IntegrityError
    where the run was edited, DataError where the data is not that of the run, PluginError as a run does.
    """
    from uad_bench.method.base import Method

    run.verify(maps=(run.path / "maps").is_dir())
    spec, rows = run.spec(), tested_rows(run, wish.cases, wish.test)
    method = stored(run, spec, place)
    if type(method).components is Method.components:
        hint = "a method shows them by `components`: docs/plugins.md"
        raise UsageError(f"method {spec.method!r} shows no components", hint=hint, code=UNSHOWN)
    some = available_members(run, rows, place.sources)
    if not wish.cases:
        some = [some[index] for index in typical(some)[: wish.count]]
    ctx, opened = context(spec, place), []
    for number, member in enumerate(some, 1):
        opened.append(_opened(run, method, member, ctx))
        log.info(f"{spec.method}: {number} of {len(some)} cases, {member.case.case_id}")
    dataset = plugins.label(wish.test or spec.test[0])
    suffix = "" if dataset == plugins.label(spec.test[0]) else f"-{dataset}"
    title = f"{spec.method} seed {spec.seed}, {spec.protocol.name}, {plugins.label(spec.protocol.train)} -> {dataset}"
    return _draw(to, suffix, opened, title)


def _opened(run: RunDir, method: "Method", member: Member, ctx: "Context") -> "Opened":
    """A case with its map, as kept or else scored again, and its components."""
    from uad_bench.figures.components.sheet import Opened
    from uad_bench.figures.slices import Panel
    from uad_bench.method.explanation import explain_scan
    from uad_bench.method.guard import score_scan

    case, scan, truth, name = member.case, member.prepared.scan(), member.prepared.truth(), run.spec().method
    parts = explain_scan(method, scan, ctx, name)
    kept = run.map_path(case.dataset, case.case_id).is_file()
    values = run.read_map(case.dataset, case.case_id) if kept else score_scan(method, scan, ctx, name)
    brain = scan.brain_mask if truth.ignored is None else scan.brain_mask & ~truth.ignored
    image = np.array(scan.image[0])  # not mapped: it outlives the loop
    return Opened(
        Panel(case.case_id, kind_of(member), image, values, np.array(brain), truth.lesion_mask, scan.spacing),
        parts,
    )


def _draw(to: Path, suffix: str, opened: "Sequence[Opened]", title: str) -> list[Path]:
    """The sheet, the first two components against each other, and the first shift as places."""
    from uad_bench.figures.components.density import draw_density
    from uad_bench.figures.components.displacements import draw_places
    from uad_bench.figures.components.sheet import draw_inside
    from uad_bench.figures.components.voxel_groups import cloud, places

    written = [to / f"inside{suffix}.png"]
    draw_inside(written[0], opened, title)
    told = f"{title}: {len(opened)} case{'s' * (len(opened) != 1)}"
    found, shifted = cloud(opened), places(opened)
    if found:
        written.append(to / f"inside-density{suffix}.png")
        draw_density(written[-1], found, told)
    if shifted:
        written.append(to / f"inside-places{suffix}.png")
        draw_places(written[-1], shifted, told)
    return written
