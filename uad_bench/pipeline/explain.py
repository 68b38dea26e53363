"""Figures of the components of a finished run's anomaly maps: `uad-bench draw inside`."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uad_bench import plugins
from uad_bench.cohort.cohort import Member, with_modalities
from uad_bench.errors import UadError, UsageError
from uad_bench.figures.run_figures import MAX_CASES, case_label, typical_cases
from uad_bench.pipeline.model import context, stored
from uad_bench.pipeline.run_job import Workplace
from uad_bench.results.run_cases import available_members, rows_of_tests
from uad_bench.results.run_directory import RunDir

if TYPE_CHECKING:
    from uad_bench.figures.components.sheet import CaseComponents
    from uad_bench.method.base import Method
    from uad_bench.method.context import Context

log = logging.getLogger(__name__)

UNSHOWN = "UB240"


@dataclass(frozen=True)
class CaseSelection:
    """The test cases that are shown: `cases`, or else `count` typical ones; test: by default the first dataset."""

    cases: tuple[str, ...] = ()
    count: int = MAX_CASES
    test: str = ""


def explain(
    run: RunDir, selection: CaseSelection, place: Workplace, to: Path
) -> tuple[list[Path], list[UadError]]:
    """Write inside.png, inside-density.png and inside-places.png of a complete run to `to`.

    Returns the files, and an error for each case that is left out; where all are, the first one is raised. Raises
    UsageError for an unknown case and for a method without components (UB240), IntegrityError where the run was
    edited, DataError where the data differ from those of the run, PluginError as a run does.
    """
    from uad_bench.method.base import Method

    run.verify(maps=(run.path / "maps").is_dir())
    spec, rows = run.spec(), rows_of_tests(run, selection.cases, selection.test)
    method = stored(run, spec, place)
    if type(method).components is Method.components:
        hint = "a method shows them by `components`: docs/plugins.md"
        raise UsageError(f"method {spec.method!r} shows no components", hint=hint, code=UNSHOWN)
    some, left_out = available_members(run, rows, place.sources)
    if not selection.cases:
        some = [some[index] for index in typical_cases(some)[: selection.count]]
    cases, failed = _components_of(run, method, some, context(spec, place))
    dataset = plugins.label(selection.test or spec.test[0])
    suffix = "" if dataset == plugins.label(spec.test[0]) else f"-{dataset}"
    title = f"{spec.method} seed {spec.seed}, {spec.protocol.name}, {plugins.label(spec.protocol.train)} -> {dataset}"
    return _draw(to, suffix, cases, title), [*left_out, *failed]


def _components_of(
    run: RunDir, method: "Method", members: Sequence[Member], ctx: "Context"
) -> "tuple[list[CaseComponents], list[UadError]]":
    """The cases with their components, and the errors of the others. Raises the first error where all fail."""
    cases: list[CaseComponents] = []
    failed: list[UadError] = []
    for number, member in enumerate(members, 1):
        try:
            cases.append(_case_components(run, method, member, ctx))
            log.info(f"{run.spec().method}: {number} of {len(members)} cases, {member.case.case_id}")
        except UadError as error:
            failed.append(error)
            log.warning("left out: %s", error)
    if failed and not cases:
        raise failed[0]
    return cases, failed


def _case_components(run: RunDir, method: "Method", member: Member, ctx: "Context") -> "CaseComponents":
    """A case with its anomaly map, stored or scored again, and the components of the map."""
    from uad_bench.figures.components.sheet import CaseComponents
    from uad_bench.figures.slices import CaseImages
    from uad_bench.method.explanation import explain_scan
    from uad_bench.method.guard import score_scan

    case, spec, truth = member.case, run.spec(), member.prepared.truth()
    scan, name = with_modalities(member.prepared.scan(), spec.modalities), spec.method
    parts = explain_scan(method, scan, ctx, name)
    kept = run.map_path(case.dataset, case.case_id).is_file()
    values = run.read_map(case.dataset, case.case_id) if kept else score_scan(method, scan, ctx, name)
    brain = scan.brain_mask if truth.ignored is None else scan.brain_mask & ~truth.ignored
    image = np.array(scan.image[0])  # a copy in memory, used after the mapped file is closed
    volumes = image, values, np.array(brain), truth.lesion_mask, scan.spacing
    return CaseComponents(CaseImages(case.case_id, case_label(member), *volumes), parts)


def _draw(to: Path, suffix: str, cases: "Sequence[CaseComponents]", title: str) -> list[Path]:
    """The sheet of components, the joint density of the first two, and the displacements."""
    from uad_bench.figures.components.density import draw_density
    from uad_bench.figures.components.displacements import draw_displacements
    from uad_bench.figures.components.sheet import draw_component_sheet
    from uad_bench.figures.components.voxel_groups import displacements, joint_sample

    written = [to / f"inside{suffix}.png"]
    draw_component_sheet(written[0], cases, title)
    title = f"{title}: {len(cases)} case{'s' * (len(cases) != 1)}"
    sample, shifts = joint_sample(cases), displacements(cases)
    if sample:
        written.append(to / f"inside-density{suffix}.png")
        draw_density(written[-1], sample, title)
    if shifts:
        written.append(to / f"inside-places{suffix}.png")
        draw_displacements(written[-1], shifts, title)
    return written
