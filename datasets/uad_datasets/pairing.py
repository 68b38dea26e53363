"""What the adapters of real datasets share: finding image files, and pairing them without guessing."""

import os
from pathlib import Path

from uad_bench.errors import DataError

#: Files by what they are (a modality, "brain_mask", "lesion_mask") for each case.
Found = dict[str, dict[str, Path]]


def nifti_files(root: Path, skip: frozenset[str] = frozenset()) -> list[Path]:
    """All .nii and .nii.gz files at any depth, in order; none below folders named in `skip`."""
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in skip]
        files += [Path(folder, name) for name in names if name.endswith((".nii", ".nii.gz"))]
    return sorted(files)


def put(found: Found, case_id: str, what: str, path: Path) -> None:
    """Note a file of a case. Raises DataError, naming both, where the case has such a file already."""
    files = found.setdefault(case_id, {})
    if what in files:
        raise DataError(
            f"two files for {what}: {files[what]} and {path}",
            where=case_id,
            hint="name the folder of one copy as the root",
            code="UB329",
        )
    files[what] = path


def require(found: Found, root: Path, layout: str) -> None:
    """Raises DataError where nothing was found: the folder, and the layout that was expected (UB334)."""
    if not found:
        what = "no case found" if root.is_dir() else "no such folder"
        raise DataError(what, where=str(root), hint=f"expected {layout}", code="UB334")
