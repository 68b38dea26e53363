"""The lesion mask and the brain mask of a case, as its dataset declares their values."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from uad_bench.data.nifti.read import Grid, Mask, Volume, read_mask
from uad_bench.errors import DataError
from uad_bench.types import Case

#: A voxel of a brain mask with fractions is brain above this one.
BRAIN_FRACTION = 0.5


def read_lesions(path: Path, case: Case, like: Grid, known: Sequence[int] = ()) -> Mask:
    """The lesions in the lesion mask `path` of `case`, bool (X, Y, Z), on the grid `like`.

    They are the voxels with a value in `case.lesion_labels`; without any, those above 0 whose value is not in
    `case.ignored_labels`; with a `case.mask_threshold`, those above it. known: as in `read_mask`, whose errors are
    raised.
    """
    return read_regions(path, case, like, known)[0]


def read_regions(path: Path, case: Case, like: Grid, known: Sequence[int] = ()) -> tuple[Mask, Mask | None]:
    """The lesions as `read_lesions`, and the voxels that are neither lesion nor healthy, if any value means so."""
    labels, threshold, way = case.lesion_labels, case.mask_threshold, case.orientation
    lesions = read_mask(path, case.case_id, like, labels, threshold, way, known)
    if not case.ignored_labels:
        return lesions, None
    ignored = read_mask(path, case.case_id, like, case.ignored_labels, None, way, known)
    if not labels:
        lesions = Volume(lesions.array & ~ignored.array, lesions.affine, lesions.notes)
    return lesions, ignored


def read_brain_mask(path: Path, case: Case, like: Grid) -> Mask:
    """The brain mask `path` of `case`, bool (X, Y, Z), on the grid `like`: the values above 0.

    Where masks of the case have fractions (`case.mask_threshold`), those above `BRAIN_FRACTION`: the threshold of
    lesions says what counts as lesion, in the values of the lesion mask. Raises as `read_mask`.
    """
    threshold = None if case.mask_threshold is None else BRAIN_FRACTION
    return read_mask(path, case.case_id, like, (), threshold, case.orientation)


def check_declared_values(case: Case) -> None:
    """Check that the values of lesion masks are declared without a contradiction. Raises DataError (UB342)."""
    both = sorted({*case.lesion_labels} & {*case.ignored_labels})
    cut = case.mask_threshold
    if 0 in {*case.lesion_labels, *case.ignored_labels}:
        what, hint = "label 0, the background, is declared as lesion or as ignored", "remove it"
    elif both:
        what = f"declared both as lesion and as ignored: label {', '.join(map(str, both))}"
        hint = "name each label in `lesion_labels` or in `ignored_labels`"
    elif cut is not None and (case.lesion_labels or case.ignored_labels):
        what = "both labels and a `mask_threshold` are declared: a mask has labels or fractions"
        hint = "leave out one of them"
    elif cut is not None and not 0 <= cut < np.inf:
        what = f"the mask_threshold is {cut:g}: the background, 0, would be lesion, or no voxel"
        hint = "set it to 0 or more"
    else:
        return
    raise DataError(what, where=case.case_id, hint=hint, code="UB342")
