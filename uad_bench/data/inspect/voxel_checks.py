"""Checks of the voxels of one case: pure functions of arrays, with findings as their result."""

from collections.abc import Mapping

import numpy as np

from uad_bench.data.inspect.brain_region import BrainRegion, lesions_outside
from uad_bench.data.inspect.findings import FindingList
from uad_bench.data.nifti.read import Grid, Image, Mask
from uad_bench.data.nifti.validation import check_brain_volume, check_labels, location
from uad_bench.errors import DataError
from uad_bench.types import Affine, Case, FloatArray

#: A brain that fills less or more of its box was cropped too far or is no brain: real heads have air around them.
LEAST, MOST = 0.02, 0.90
#: (lowest, highest) along x, y and z, mm in the world.
Box = tuple[tuple[float, float], ...]
#: Lesions that fill more of the brain are most likely a brain mask or a parcellation, or not in its unit of length.
MOST_LESION = 0.5
#: Public lesion masks distinguish at most four labels; more values are probably a parcellation of the whole brain.
MOST_LABELS = 4


def check_brain_size(case: Case, brain: BrainRegion, found: FindingList, *, strict: bool) -> None:
    """The volume of the brain: outside 0.2 to 2.5 litres an error. The share of its box that it fills: outside 2 % to
    90 % a warning, an error where `strict`.
    """
    if brain.share:
        file = case.brain_mask or next(iter(case.images.values()))
        found.attempt(check_brain_volume, brain.ml, location(case.case_id, file))
    if LEAST <= brain.share <= MOST:
        return
    where = location(case.case_id, case.brain_mask) if case.brain_mask else case.case_id
    what = f"the brain fills {brain.share:.1%} of the box"
    if strict or not brain.share:
        hint = "make the mask again"
        what = what if brain.share else "the brain mask is empty"
        found.error(DataError(what, where=where, hint=hint, code="UB331"))
    else:
        found.warn("brains of unusual size", f"{what}; {LEAST:.0%} to {MOST:.0%} are usual")


def check_on_grid(case: Case, brain: BrainRegion, box: Box) -> None:
    """Whether some of the brain lies in the box of the protocol's grid. Raises DataError with the distance (UB331)."""
    affine = brain.mask.affine
    world = np.argwhere(brain.mask.array) @ affine[:3, :3].T + affine[:3, 3]
    low, high = np.array(box).T
    if bool(((world >= low) & (world <= high)).all(axis=1).any()):
        return
    away = float(np.linalg.norm(world.mean(axis=0) - (low + high) / 2))
    hint = "check the header's origin, or use a protocol that registers or has `centre: brain`"
    what = f"no brain on the grid: its centre lies {away:.0f} mm from the grid's"
    raise DataError(what, where=case.case_id, hint=hint, code="UB331")


def check_overlap(grids: Mapping[str, Grid], found: FindingList) -> None:
    """A warning for images whose boxes do not overlap in the world: a case is prepared by world coordinates."""
    boxes = {name: _world_box(grid) for name, grid in grids.items()}
    for name, (low, high) in list(boxes.items())[1:]:
        first, (low0, high0) = next(iter(boxes.items()))
        if (np.minimum(high, high0) <= np.maximum(low, low0)).any():
            what = f"{first} and {name} do not overlap in world coordinates: register them to each other"
            found.warn("images of a case that lie apart", what)


def _world_box(grid: Grid) -> tuple[Affine, Affine]:
    """The lowest and highest world coordinates (x, y, z) of the voxel centres of a grid, mm."""
    corners = np.indices((2, 2, 2)).reshape(3, -1).T * (np.array(grid.shape) - 1)
    world = corners @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    return world.min(axis=0), world.max(axis=0)


def check_finite(
    name: str, image: Image, brain: BrainRegion | None, found: FindingList, *, zero: bool = False
) -> None:
    """NaN and Inf: an error inside the brain, a warning outside, or where the brain is not known yet.

    zero: they are set to 0 wherever they lie, which is a warning.
    """
    bad = ~np.isfinite(image.array)
    count = int(bad.sum())
    if not count:
        return
    if zero:
        what = f"{name} contains {count} NaN or Inf voxels; the protocol sets them to 0"
        found.warn("NaN or Inf that the protocol sets to 0", what)
        return
    if brain is None:
        what = f"{name} contains {count} NaN or Inf voxels; preparation refuses those inside the brain"
        found.warn("NaN or Inf, and no brain mask to locate them", what)
        return
    outside = brain.outside(bad, image.grid)
    if outside < count:
        hint = "repair the file or leave the case out"
        what = f"{count - outside} NaN or Inf voxels inside the brain"
        where = f"{found.case_id}, {name}"
        found.error(DataError(what, where=where, hint=hint, code="UB326"))
    if outside:
        what = f"{name} contains {outside} NaN or Inf voxels outside the brain; they are set to 0"
        found.warn("NaN or Inf outside the brain", what)


def check_lesions(case: Case, mask: Mask, brain: BrainRegion | None, found: FindingList) -> None:
    """Whether the lesion mask agrees with the declaration of the case, and how much of it lies in the brain."""
    count = int(mask.array.sum())
    if not count:
        if not case.healthy:
            what = "no lesion voxel; average precision is undefined for this case"
            found.warn("empty lesion masks", what)
        return
    if case.healthy:
        hint = "training would include its lesions; declare healthy=False, or leave the case out"
        what = f"declared healthy, with {count} lesion voxels"
        found.error(DataError(what, where=case.case_id, hint=hint, code="UB338"))
    outside = brain.outside(mask.array, mask.grid) if brain else 0
    if outside:
        what = f"{outside} of {count} lesion voxels ({outside / count:.2%}); they count as missed"
        found.warn("lesion voxels outside the brain", what)
    share = (count - outside) * mask.grid.voxel_ml / _reference_ml(mask, brain)
    if share > MOST_LESION:
        what = f"the lesions fill {share:.0%} of the brain, more than half of it"
        hint = "is it a brain mask or a parcellation? name the labels that are lesions, or leave the case out"
        where = location(case.case_id, case.lesion_mask) if case.lesion_mask else case.case_id
        found.error(DataError(what, where=where, hint=hint, code="UB337"))


def check_in_image(
    case: Case, mask: Mask, grids: Mapping[str, Grid], brain: BrainRegion | None, found: FindingList
) -> None:
    """Whether the lesions lie within an image, which a mask with a grid of its own does not ensure.

    An error where none does (UB328); a warning for some outside, which are counted with the brain where it is known.
    """
    count = int(mask.array.sum())
    if not (count and grids and case.lesion_mask):
        return
    outside = min(lesions_outside(mask, grid) for grid in grids.values())
    if outside == count:
        what = f"none of {count} lesion voxels lies within an image"
        where, hint = location(case.case_id, case.lesion_mask), "compare the origins of the headers"
        found.error(DataError(what, where=where, hint=hint, code="UB328"))
    elif outside and brain is None:
        found.warn(
            "lesion voxels outside the image", f"{outside} of {count} lesion voxels; they count as missed"
        )


def _reference_ml(mask: Mask, brain: BrainRegion | None) -> float:
    """The volume, ml, that lesions are compared with: that of the brain, or of the whole box where it is not known."""
    return brain.ml if brain else mask.array.size * mask.grid.voxel_ml


def check_values(case: Case, values: FloatArray, found: FindingList) -> None:
    """Whether the integers in a lesion mask (X, Y, Z) are those that the dataset declares."""
    if case.lesion_mask:
        found.attempt(check_labels, values, case.known_labels, location(case.case_id, case.lesion_mask))
    present = {int(value) for value in np.unique(np.rint(values))} - {0}
    known = {*case.lesion_labels, *case.ignored_labels, *case.known_labels}
    kind = "unexpected values in lesion masks"
    unexpected = sorted(present - known) if case.lesion_labels else sorted(v for v in present if v < 0)
    if unexpected:
        what = f"{', '.join(map(str, unexpected))} count neither as lesion nor as ignored"
        found.warn(kind, what)
    elif not known and len(present) > MOST_LABELS:
        first = ", ".join(map(str, sorted(present)[:5]))
        what = f"{len(present)} values above 0 ({first} ...) all count as lesion: is it a parcellation?"
        found.warn(kind, what)
