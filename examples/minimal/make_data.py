"""Write a small synthetic dataset for dataset.py: python examples/minimal/make_data.py DIR"""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np

SHAPE = (40, 48, 40)
AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])  # voxels of 4 mm, RAS+


def main(root: Path) -> None:
    """Ten healthy subjects, and four with a bright ball as lesion."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij"))
    radius = np.sqrt((grid**2).sum(axis=0))
    brain = radius < 0.85
    for number in range(14):
        image = (400 + 300 * np.cos(5 * radius) + rng.normal(0, 20, SHAPE)) * brain
        path = root / ("healthy" if number < 10 else "lesions") / f"sub{number:02d}_t2.nii.gz"
        if number >= 10:
            centre = rng.uniform(-0.4, 0.4, 3)[:, None, None, None]
            lesion = np.sqrt(((grid - centre) ** 2).sum(axis=0)) < 0.2
            image[lesion] = 1000
            save(path.with_name(f"sub{number:02d}_mask.nii.gz"), lesion.astype(np.uint8))
        save(path, image.astype(np.int16))


def save(path: Path, array: np.ndarray) -> None:
    """Write a NIfTI file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, AFFINE), path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
