"""What the voxels of one case say against it: pure judgements of arrays, told as findings."""

import numpy as np

from uad_bench.data.inspect.brain_region import Region
from uad_bench.data.inspect.findings import Notes
from uad_bench.data.nifti.read import Image, Mask
from uad_bench.data.nifti.validation import place
from uad_bench.errors import DataError
from uad_bench.types import Case, FloatArray

# A brain that fills less or more of its box was cut badly, or is no brain: real heads leave air around them.
LEAST, MOST = 0.02, 0.90
# Public lesion masks draw at most four kinds; more values look like a parcellation of the whole brain.
MOST_LABELS = 4


def judge_size(case: Case, brain: Region, notes: Notes, *, strict: bool) -> None:
    """The share of its box that the brain fills: outside 2 % to 90 % a warning, an error where `strict`."""
    if LEAST <= brain.share <= MOST:
        return
    where = place(case.case_id, case.brain_mask) if case.brain_mask else case.case_id
    what = f"the brain fills {brain.share:.1%} of the box"
    if strict or not brain.share:
        hint = "make the mask again"
        what = what if brain.share else "the brain mask is empty"
        notes.error(DataError(what, where=where, hint=hint, code="UB331"))
    else:
        notes.warn("brains of an odd size", f"{what}; from {LEAST:.0%} to {MOST:.0%} are usual")


def judge_finite(name: str, image: Image, brain: Region | None, notes: Notes) -> None:
    """NaN and Inf: an error inside the brain, a warning outside, or where the brain is not known yet."""
    bad = ~np.isfinite(image.array)
    count = int(bad.sum())
    if not count:
        return
    if brain is None:
        what = f"{name} holds {count} NaN or Inf voxels; preparation refuses those inside the brain"
        notes.warn("NaN or Inf, and no brain mask to judge them by", what)
        return
    outside = brain.outside(bad, image.grid)
    if outside < count:
        hint = "repair the file or leave the case out"
        what = f"{count - outside} NaN or Inf voxels inside the brain"
        where = f"{notes.case_id}, {name}"
        notes.error(DataError(what, where=where, hint=hint, code="UB326"))
    if outside:
        what = f"{name} holds {outside} NaN or Inf voxels outside the brain; they are set to 0"
        notes.warn("NaN or Inf outside the brain", what)


def judge_lesions(case: Case, mask: Mask, brain: Region | None, notes: Notes) -> None:
    """Whether lesions are there, where the case says so, inside the brain, and not most of it."""
    count = int(mask.array.sum())
    if not count:
        if not case.healthy:
            notes.warn("empty lesion masks", "no voxel is marked; the case can give no average precision")
        return
    if case.healthy:
        hint = "training would see its lesions; say healthy=False, or leave the case out"
        what = f"declared healthy, with {count} lesion voxels"
        notes.error(DataError(what, where=case.case_id, hint=hint, code="UB338"))
    outside = brain.outside(mask.array, mask.grid) if brain else 0
    if outside:
        what = f"{outside} of {count} lesion voxels ({outside / count:.2%}); they count as missed"
        notes.warn("lesion voxels outside the brain", what)
    share = (count - outside) * mask.grid.voxel_ml / _room(mask, brain)
    if share > 0.5:
        notes.warn("lesions that fill more than half of the brain", f"{share:.0%} of it")


def _room(mask: Mask, brain: Region | None) -> float:
    """The volume, ml, that lesions are compared with: the brain's, or the whole box's where it is not known."""
    return brain.ml if brain else mask.array.size * mask.grid.voxel_ml


def judge_values(case: Case, values: FloatArray, notes: Notes) -> None:
    """The integers in a lesion mask (X, Y, Z) are those that the dataset knows."""
    met = {int(value) for value in np.unique(values[values != 0])}
    known = {*case.lesion_labels, *case.ignored_labels}
    kind = "unexpected values in lesion masks"
    strange = sorted(met - known) if case.lesion_labels else sorted(v for v in met if v < 0)
    if strange:
        what = f"{', '.join(map(str, strange))} count neither as lesion nor as ignored"
        notes.warn(kind, what)
    elif not known and len(met) > MOST_LABELS:
        few = ", ".join(map(str, sorted(met)[:5]))
        notes.warn(kind, f"{len(met)} values above 0 ({few} ...) all count as lesion: is it a parcellation?")
