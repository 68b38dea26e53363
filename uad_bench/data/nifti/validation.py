"""Checks of ids, affines and voxels before they are used: pure functions, errors in one line."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from uad_bench.errors import DataError, IntegrityError
from uad_bench.types import Affine, BoolArray, Case, FloatArray

log = logging.getLogger(__name__)

#: Volumes of a human brain, a newborn's and a hydrocephalic one included, in ml; another one has the wrong unit.
BRAIN_ML = (200.0, 2500.0)

#: The smallest and the largest side of a voxel, mm; another one has the wrong unit.
SMALLEST_MM, LARGEST_MM = 0.01, 100.0

ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: Groups of cases in an evaluation that are no lesion kinds, and characters that separate groups in its rows.
RESERVED, RESERVED_CHARACTERS = frozenset({"all", "healthy"}), frozenset("|=:@")


def location(case_id: str, path: Path) -> str:
    """The case and the file in an error message; of the path, only the last folder.

    >>> location("case01", Path("/data/study/case01/t2.nii.gz"))
    'case01, case01/t2.nii.gz'
    """
    return f"{case_id}, {path.parent.name}/{path.name}"


def check_ids(cases: Iterable[Case]) -> None:
    """Check that ids and lesion kinds are plain words, and that each case id is unique within its dataset.

    Raises IntegrityError for an id that could escape its folder or break a table (UB502), DataError for duplicate
    case ids (UB329) and for a lesion kind that cannot name a group of cases (UB341).
    """
    cases = list(cases)
    for kind in dict.fromkeys(case.lesion_kind for case in cases):
        if kind in RESERVED or RESERVED_CHARACTERS & set(kind):
            hint = f"choose another word, without {' '.join(sorted(RESERVED_CHARACTERS))}"
            what = f"the lesion kind {kind[:120]!r} cannot name a group of cases"
            raise DataError(what, hint=hint, code="UB341")
    for word in (word for case in cases for word in (case.case_id, case.subject_id)):
        if not ID_PATTERN.fullmatch(word):
            hint = "an id is 1 to 100 letters, digits, '.', '_' or '-' and begins with a letter or a digit"
            raise IntegrityError(f"the id {word[:120]!r} cannot be used", hint=hint, code="UB502")
    counts = Counter((case.dataset, case.case_id) for case in cases)
    duplicates = sorted(case_id for (_, case_id), number in counts.items() if number > 1)
    if duplicates:
        hint = "name a root folder that contains one copy of the data"
        raise DataError(f"duplicate case ids: {', '.join(duplicates)}", hint=hint, code="UB329")


def check_labels(values: FloatArray, known: Sequence[int], where: str) -> None:
    """Check that the labels of a mask (X, Y, Z) above 0 are in `known`, where there are any.

    Raises DataError (UB342). A label of an unknown edition of a dataset may mean no lesion at all.
    """
    unknown = sorted({int(value) for value in np.unique(values)} - {0, *known}) if known else []
    if unknown:
        what = f"labels that the dataset does not know: {', '.join(map(str, unknown[:5]))}"
        hint = f"known labels are {', '.join(map(str, known))}; is it another edition of the dataset?"
        raise DataError(what, where=where, hint=hint, code="UB342")


def check_affine(affine: Affine, where: str) -> None:
    """Check that the affine (4, 4) is finite and invertible, so that every voxel has its own world coordinates.

    Raises DataError (UB325), also for voxels larger than 100 mm or smaller than 0.01 mm: the unit is wrong.
    """
    columns = np.linalg.norm(affine[:3, :3], axis=0)
    implausible = columns[(columns > LARGEST_MM) | ((columns > 0) & (columns < SMALLEST_MM))]
    if implausible.size and np.isfinite(columns).all():
        what = f"voxels of {implausible.max():.3g} mm"
        hint = "the header's voxel size is in another unit than mm; convert the file again"
        raise DataError(what, where=where, hint=hint, code="UB325")
    sound = bool(np.isfinite(affine).all() and (columns > 0).all())
    # 1 for orthogonal axes; real scanners shear by a few degrees at most.
    if sound and abs(np.linalg.det(affine[:3, :3] / columns)) > 0.1:
        return
    hint = "the header's sform or qform is zero, singular or not finite; convert the file again"
    raise DataError("no usable orientation", where=where, hint=hint, code="UB325")


def check_contrast(array: FloatArray, where: str) -> None:
    """Check that the finite voxels have at least two values. Raises DataError (UB327)."""
    finite = array[np.isfinite(array)]
    if finite.size == 0 or finite.min() == finite.max():
        what = "no contrast: all voxels have the same value" if finite.size else "no finite voxel"
        raise DataError(
            what, where=where, hint="the conversion lost the image; make the file again", code="UB327"
        )


def check_brain_volume(ml: float, where: str) -> None:
    """Check that a brain holds 0.2 to 2.5 litres. Raises DataError with the figure (UB336)."""
    if not BRAIN_ML[0] <= ml <= BRAIN_ML[1]:
        hint = "check the voxel size, its unit in the header, and the brain mask"
        what = f"the brain holds {ml / 1000:.3g} litres; 0.2 to 2.5 are plausible"
        raise DataError(what, where=where, hint=hint, code="UB336")


def zero_nonfinite(array: FloatArray, brain_mask: BoolArray, where: str) -> FloatArray:
    """`array` (X, Y, Z) with NaN and Inf outside the brain mask set to 0, and a warning with their number.

    Raises DataError with the number of those inside the brain (UB326): no value could replace them.
    """
    bad = ~np.isfinite(array)
    if not bad.any():
        return array
    inside = int((bad & brain_mask).sum())
    if inside:
        hint = "repair the file or leave the case out"
        raise DataError(f"{inside} NaN or Inf voxels inside the brain", where=where, hint=hint, code="UB326")
    log.warning("%s: %d NaN or Inf voxels outside the brain set to 0", where, int(bad.sum()))
    return np.where(bad, np.float32(0), array)
