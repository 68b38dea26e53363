"""Write the trees of the rehearsal: python -m benchmarks.rehearsal.trees FOLDER --share 1/16

Every file has the name, shape, spacing, axes and type of the real one. Subjects are written one after the other.
"""

import argparse
import gzip
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import nibabel as nib
import numpy as np

from benchmarks.rehearsal.content import subject
from benchmarks.rehearsal.layouts import LAYOUTS, Layout, write_tables


def main() -> None:
    """Write the trees that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=Fraction, default=Fraction(1, 64), help="of the full size")
    parser.add_argument("--phantoms", type=int, default=4, help="generated subjects of each dataset")
    parser.add_argument("--coarser", type=int, default=1, help="divide the number of voxels along each axis")
    options = parser.parse_args()
    for layout in LAYOUTS.values():
        write_tree(options.folder / layout.name, layout, options.share, options.phantoms, options.coarser)


def write_tree(root: Path, layout: Layout, share: Fraction, phantoms: int, coarser: int = 1) -> None:
    """The files of a dataset below `root`."""
    layout = coarsened(layout, coarser)
    root.mkdir(parents=True)
    write_tables(root, layout.name, layout.count(share))
    for number in range(layout.count(share)):
        for path, values in subject(layout, number, phantoms).native(layout):
            labelled = _tumour_labels(values) if path.endswith("_seg.nii.gz") else values
            _write(root / path, labelled, layout.affine())


def coarsened(layout: Layout, by: int) -> Layout:
    """A layout with fewer, larger voxels, for tests."""
    x, y, z = (size // by for size in layout.shape)
    i, j, k = (size * by for size in layout.spacing)
    return replace(layout, shape=(x, y, z), spacing=(i, j, k))


def _tumour_labels(mask: np.ndarray) -> np.ndarray:
    """Labels 1, 2 and 4 in place of a mask: core, oedema and enhancing tumour, in slabs."""
    labels = np.array([2, 2, 4, 1], np.uint8)[np.arange(mask.shape[2]) % 4]
    return mask * labels


def _write(path: Path, values: np.ndarray, affine: np.ndarray) -> None:
    """A gzipped NIfTI file, compressed as fast as possible."""
    image = nib.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(image.to_bytes())


if __name__ == "__main__":
    main()
