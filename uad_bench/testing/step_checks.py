"""The promises of a preparation step, one check each. A check raises an error that names the usual fix."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.config import validated
from uad_bench.data.nifti.read import Mask
from uad_bench.errors import DataError, UadError
from uad_bench.prepare.resampling.grid import same_grid
from uad_bench.prepare.step import CaseVolumes
from uad_bench.testing.candidate import NotChecked, broken
from uad_bench.testing.process_state import refuse_changes, with_other_random_state
from uad_bench.testing.step_candidate import MASKS, StepCandidate, differences, volumes


def check_parameters(candidate: StepCandidate) -> None:
    """The parameters survive a round trip through JSON, an unknown parameter is refused, and none can be changed."""
    step, name = candidate.step, candidate.name
    kept = json.loads(json.dumps(step.model_dump(mode="json"), allow_nan=False))
    again = validated(candidate.cls, kept, f"step {name}")
    if again != step:
        fix = "use types that JSON knows: numbers, words, tuples, and models of these"
        raise broken(name, f"the parameters {step!r} from their JSON form", f"{again!r}", fix)
    if not kept.get("step"):
        fix = 'declare it: step: Literal["name"] = "name"'
        raise broken(name, "the name of the step among its parameters", "none", fix)
    if _accepted(candidate, {**kept, "no_such_parameter": 1}):
        fix = "keep `extra='forbid'` of Step's configuration"
        raise broken(name, "an error for an unknown parameter", "none", fix)
    try:
        setattr(step, "step", kept["step"])  # noqa: B010  # the assignment itself is what must fail
    except Exception:
        return
    raise broken(name, "parameters that cannot be changed", "an assignment", "keep `frozen=True`")


def _accepted(candidate: StepCandidate, values: dict[str, Any]) -> bool:
    try:
        validated(candidate.cls, values, candidate.name)
    except UadError:
        return False
    return True


def check_result(candidate: StepCandidate) -> None:
    """The step returns a case of the same id and the same modalities, in the same order."""
    try:
        after = candidate.first_result
    except DataError as error:
        raise NotChecked(
            f"the step refuses the case ({error})", hint="check it with a case that it accepts"
        ) from error
    if not isinstance(after, CaseVolumes):
        raise broken(candidate.name, "a CaseVolumes", type(after).__name__, "return replace(case, ...)")
    before = candidate.case
    if (after.case_id, list(after.images)) != (before.case_id, list(before.images)):
        found = f"{after.case_id} with {', '.join(after.images)}"
        fix = "return replace(case, images=...) with every image in its order"
        raise broken(candidate.name, f"{before.case_id} with {', '.join(before.images)}", found, fix)


def check_case_stays_untouched(candidate: StepCandidate) -> None:
    """The step is a pure function: it writes into no array and no affine of the case that it is given."""
    _ = candidate.reference
    changed = differences(candidate.first.given, candidate.case)
    if changed:
        fix = "work on copies, and return replace(case, ...)"
        raise broken(candidate.name, "an unchanged case", f"changed: {', '.join(changed)}", fix)


def check_same_result_again(candidate: StepCandidate) -> None:
    """Equal cases have equal results, bit by bit, whatever the global random states are."""
    before = candidate.reference
    again = with_other_random_state(partial(candidate.ready.apply, candidate.fresh_case()))
    found = differences(before, again)
    if found:
        fix = "use one thread where the order of a sum matters, and draw nothing at random"
        raise broken(candidate.name, "the same result again", f"others: {', '.join(found)}", fix)


def check_figures(candidate: StepCandidate) -> None:
    """The figures for the record are JSON without NaN, and `warnings` a list of sentences."""
    figures = candidate.reference.figures
    try:
        text = json.dumps(dict(figures), allow_nan=False)
    except (TypeError, ValueError) as error:
        fix = "convert numpy numbers and arrays: float(x), int(x), x.tolist()"
        raise broken(candidate.name, "figures that are JSON", str(error), fix) from error
    warnings = json.loads(text).get("warnings", [])
    if not isinstance(warnings, list) or not all(isinstance(sentence, str) for sentence in warnings):
        fix = 'write figures["warnings"] as a list of strings'
        raise broken(candidate.name, "warnings that are a list of sentences", repr(warnings), fix)


def check_images(candidate: StepCandidate) -> None:
    """Images are float32 (X, Y, Z), and finite where the case's were."""
    for name, image in candidate.reference.images.items():
        array = image.array
        if array.dtype != np.float32 or array.ndim != 3:
            found, fix = f"{array.dtype} of {array.ndim} axes in {name}", "return array.astype(np.float32)"
            raise broken(candidate.name, "float32 images (X, Y, Z)", found, fix)
        if not np.isfinite(array).all() and np.isfinite(candidate.case.images[name].array).all():
            raise broken(candidate.name, "finite images", f"NaN or Inf in {name}", "look for a division by 0")


def check_masks(candidate: StepCandidate) -> None:
    """Masks stay masks: bool (X, Y, Z); a brain mask or a lesion mask that was there is there afterwards."""
    for name in MASKS:
        before, after = getattr(candidate.case, name), getattr(candidate.reference, name)
        if after is not None and (after.array.dtype != bool or after.array.ndim != 3):
            found = f"{after.array.dtype} of {after.array.ndim} axes in {name}"
            raise broken(
                candidate.name, "bool masks (X, Y, Z)", found, "threshold it, for instance array >= 0.5"
            )
        if before is not None and after is None:
            fix = "pass every mask of the case on, for instance by case.transformed(...)"
            raise broken(candidate.name, f"a case with its {name}", "one without", fix)
    lost = candidate.reference.lost
    if not isinstance(lost, int) or lost < 0:
        raise broken(candidate.name, "a count of lost lesion voxels", repr(lost), "add an int of 0 or more")


def check_healthy_case(candidate: StepCandidate) -> None:
    """A case without lesion mask is accepted, and gets none."""
    _ = candidate.reference
    after = candidate.ready.apply(candidate.fresh_healthy_case())
    if after.lesion_mask is not None or after.ignored is not None or after.lost:
        fix = "leave masks that are None as they are"
        raise broken(candidate.name, "a healthy case without lesion mask", "one with lesions", fix)


def check_grids(candidate: StepCandidate) -> None:
    """Affines are finite and invertible (4, 4), and volumes on one grid are on one grid afterwards."""
    before, after = dict(volumes(candidate.case)), dict(volumes(candidate.reference))
    for name, volume in after.items():
        if not _sound(volume.affine):
            raise broken(
                candidate.name,
                "an affine (4, 4) that can be inverted",
                f"{volume.affine} of {name}",
                "correct it",
            )
    first = next(iter(before))
    together = [name for name in before if name in after and same_grid(before[name].grid, before[first].grid)]
    apart = [name for name in together if not same_grid(after[name].grid, after[together[0]].grid)]
    if apart:
        found = f"{', '.join(apart)} on another grid than {together[0]}"
        raise broken(candidate.name, "one grid for all volumes", found, "move images and masks alike")


def _sound(affine: npt.NDArray[Any]) -> bool:
    finite = affine.shape == (4, 4) and bool(np.isfinite(affine).all())
    return finite and np.array_equal(affine[3], [0, 0, 0, 1]) and abs(np.linalg.det(affine[:3, :3])) > 0


def check_places(candidate: StepCandidate) -> None:
    """What a mask marks stays where it is: its centre in the world of the files moves by less than one voxel."""
    after, before = candidate.reference, candidate.case
    if not _sound(after.to_atlas):
        raise broken(
            candidate.name,
            "a matrix `to_atlas` (4, 4) that can be inverted",
            f"{after.to_atlas}",
            "correct it",
        )
    mask = after.lesion_mask if before.lesion_mask is not None else None
    if before.lesion_mask is None or mask is None or after.lost > before.lost or not mask.array.any():
        raise NotChecked("the case has no lesion, or lost some of it")
    moved = float(np.linalg.norm(_centre(before.lesion_mask, before) - _centre(mask, after)))
    voxel = max(*before.lesion_mask.grid.spacing, *mask.grid.spacing)
    if moved > voxel:
        fix = "change the affine with the array, and `to_atlas` with the world"
        raise broken(candidate.name, "the lesion in its place", f"its centre {moved:.1f} mm away", fix)


def _centre(mask: Mask, case: CaseVolumes) -> npt.NDArray[np.float64]:
    """The centre of a mask in the world of the files, mm."""
    index = np.append(np.argwhere(mask.array).mean(axis=0), 1.0)
    centre: npt.NDArray[np.float64] = (np.linalg.inv(case.to_atlas) @ mask.affine @ index)[:3]
    return centre


def check_fit(candidate: StepCandidate) -> None:
    """A step that learns gives a fitted step with the same parameters again, and stays as it is itself."""
    if not candidate.step.needs_fit:
        raise NotChecked("the step has nothing to learn")
    before = candidate.step.model_copy(deep=True)
    one, two = candidate.fitted(), candidate.fitted()
    if candidate.step != before:
        raise broken(candidate.name, "an unchanged step", "another", "return a new step from `fitted`")
    if one.needs_fit or not one.is_fitted:
        fix = "let `needs_fit` be False and `is_fitted` True for what `fitted` returns"
        raise broken(candidate.name, "a step that is fitted", "one that is not", fix)
    if one != two:
        raise broken(
            candidate.name, "equal parameters from equal scans", "others", "let only the scans decide"
        )
    check_parameters(StepCandidate(candidate.name, one, candidate.case))


def check_process_stays_untouched(candidate: StepCandidate) -> None:
    """Applying the step changes no setting of the process."""
    _ = candidate.reference
    refuse_changes(candidate.name, candidate.first.changed)


STEP_CHECKS: tuple[Callable[[StepCandidate], None], ...] = (
    check_parameters,
    check_result,
    check_case_stays_untouched,
    check_same_result_again,
    check_figures,
    check_images,
    check_masks,
    check_healthy_case,
    check_grids,
    check_places,
    check_fit,
    check_process_stays_untouched,
)
