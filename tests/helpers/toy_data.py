"""A dataset for tests: a dozen ellipsoid heads, healthy and with bright or dark lesions, made in half a second."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from uad_bench import Case, DatasetAdapter

SHAPE = (24, 28, 20)
AFFINE = np.diag([6.0, 6.0, 6.0, 1.0])


@dataclass
class ToyData(DatasetAdapter):
    """The adapter of the files that `make(root)` writes."""

    name = "toy"
    modalities = ("t2",)
    sites: int = 1

    def discover(self, root: Path) -> Iterator[Case]:
        for path in sorted(root.glob("*_t2.nii.gz")):
            case_id = path.name.removesuffix("_t2.nii.gz")
            lesion = root / f"{case_id}_lesion.nii.gz"
            yield Case(
                "toy", case_id, case_id, {"t2": path}, healthy=case_id.startswith("h"),
                lesion_mask=lesion if lesion.exists() else None,
                brain_mask=root / f"{case_id}_brain.nii.gz", lesion_kind=case_id[0] if lesion.exists() else "",
            )  # fmt: skip


def make(root: Path, healthy: int = 10, lesions: int = 3) -> Path:
    """Write the files of a cohort: h00.. (healthy), a00.. (bright lesions), b00.. (dark lesions)."""
    root.mkdir(parents=True, exist_ok=True)
    for kind, count in (("h", healthy), ("a", lesions), ("b", lesions)):
        for i in range(count):
            write_case(root, f"{kind}{i:02d}", np.random.default_rng(100 * ord(kind) + i))
    return root


def write_case(root: Path, case_id: str, rng: np.random.Generator) -> None:
    """Write one case: image, brain mask and, unless healthy, a lesion mask."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij"))
    radius = np.sqrt((grid**2).sum(0))
    brain = radius < 0.85
    image = (0.4 + 0.3 * np.cos(5 * radius) + 0.02 * rng.normal(size=SHAPE)) * brain
    lesion = np.zeros(SHAPE, bool)
    if case_id[0] in "ab":
        centre = rng.uniform(-0.4, 0.4, 3)
        lesion = (np.sqrt(((grid - centre[:, None, None, None]) ** 2).sum(0)) < 0.25) & brain
        image[lesion] = 1.0 if case_id[0] == "a" else 0.05
        _save(root / f"{case_id}_lesion.nii.gz", lesion.astype(np.uint8))
    _save(root / f"{case_id}_t2.nii.gz", (1000 * image).astype(np.int16))
    _save(root / f"{case_id}_brain.nii.gz", brain.astype(np.uint8))


def _save(path: Path, array: np.ndarray) -> None:
    nib.save(nib.Nifti1Image(array, AFFINE), path)
