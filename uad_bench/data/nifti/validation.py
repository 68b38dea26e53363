"""What must hold before a file, a header or a list of cases is trusted: pure checks, one-line errors."""

import logging
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from uad_bench.errors import DataError, IntegrityError
from uad_bench.types import Affine, BoolArray, Case, FloatArray

log = logging.getLogger("uad_bench")

ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def place(case_id: str, path: Path) -> str:
    """Where an error is: the case, and the file with the folder that holds it."""
    return f"{case_id}, {path.parent.name}/{path.name}"


#: Names of the groups of an evaluation that are no lesion kinds, and signs that its rows are told apart by.
RESERVED, RESERVED_SIGNS = frozenset({"all", "healthy"}), frozenset("|=:@")


def check_ids(cases: Iterable[Case]) -> None:
    """Case and subject ids and lesion kinds are plain words, and each case id is met once in its dataset.

    Raises IntegrityError for an id that could leave its folder or break a table (UB502), DataError for case
    ids met twice (UB329) and for a lesion kind that cannot name a group (UB341).
    """
    cases = list(cases)
    for kind in dict.fromkeys(case.lesion_kind for case in cases):
        if kind in RESERVED or RESERVED_SIGNS & set(kind):
            hint = f"choose another word, without {' '.join(sorted(RESERVED_SIGNS))}"
            what = f"the lesion kind {kind[:120]!r} cannot name a group of cases"
            raise DataError(what, hint=hint, code="UB341")
    for word in (word for case in cases for word in (case.case_id, case.subject_id)):
        if not ID_PATTERN.fullmatch(word):
            hint = "an id is 1 to 100 letters, digits, '.', '_' or '-' and begins with a letter or a digit"
            raise IntegrityError(f"the id {word[:120]!r} cannot be used", hint=hint, code="UB502")
    met = Counter((case.dataset, case.case_id) for case in cases)
    twice = sorted(case_id for (_, case_id), times in met.items() if times > 1)
    if twice:
        hint = "give one copy of the data as the root"
        raise DataError(f"case ids met twice: {', '.join(twice)}", hint=hint, code="UB329")


def check_affine(affine: Affine, where: str) -> None:
    """The affine (4, 4) is finite and spans a volume, so that every voxel has one place in the world.

    Raises DataError (UB325).
    """
    columns = np.linalg.norm(affine[:3, :3], axis=0)
    sound = bool(np.isfinite(affine).all() and (columns > 0).all())
    # 1 for orthogonal axes; real scanners shear by a few degrees at most.
    if sound and abs(np.linalg.det(affine[:3, :3] / columns)) > 0.1:
        return
    hint = "the header's sform or qform is zero, not finite or flat; convert the file again"
    raise DataError("no usable orientation", where=where, hint=hint, code="UB325")


def check_contrast(array: FloatArray, where: str) -> None:
    """The finite voxels hold at least two values. Raises DataError (UB327)."""
    finite = array[np.isfinite(array)]
    if finite.size == 0 or finite.min() == finite.max():
        what = "no contrast: every voxel has one value" if finite.size else "no finite voxel"
        raise DataError(
            what, where=where, hint="the conversion lost the image; make the file again", code="UB327"
        )


def settle_nonfinite(array: FloatArray, brain_mask: BoolArray, where: str) -> FloatArray:
    """`array` (X, Y, Z) with every NaN and Inf outside the brain mask set to 0, and told in a warning.

    Raises DataError with the count where one lies inside the brain (UB326): no value could stand for it.
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
