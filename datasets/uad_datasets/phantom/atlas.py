"""Tissue fractions of the MNI152 template that nilearn ships: the anatomy of every phantom.

Template: ICBM152 2009a nonlinear symmetric, Fonov et al., NeuroImage 54(1), 2011, doi:10.1016/j.neuroimage.2010.07.033.
The files are read from nilearn's package data directly, because importing nilearn.datasets takes seconds.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import nibabel as nib
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_datasets.phantom.grid import Array

#: The part of nilearn's 1 mm RAS+ files that contains the brain, and the MNI152 coordinates of its first voxel, in mm.
CROP = (slice(20, 178), slice(20, 216), slice(0, 164))
TEMPLATE_ORIGIN = (-78.0, -114.0, -72.0)
#: Exponent that undoes part of the blur of an average over 152 brains.
SHARPEN = 1.8


@dataclass(frozen=True)
class Atlas:
    """Template maps at 1 mm, averaged over 2 mm as in a scan of 2 mm. Arrays (X, Y, Z), 0 to 1.

    tissues: fractions of csf, gm and wm, (3, X, Y, Z), summing to `brain`; ventricles: the lateral ventricles.
    """

    brain: Array
    tissues: Array
    ventricles: Array


def _template(tissue: str) -> npt.NDArray[np.uint8]:
    """One file of nilearn's template, uint8 (X, Y, Z): 255 is pure tissue (t1: the brightest voxel)."""
    name = f"mni_icbm152_{tissue}_tal_nlin_sym_09a_converted.nii.gz"
    with resources.as_file(resources.files("nilearn") / "datasets" / "data" / name) as path:
        return np.asarray(nib.Nifti1Image.from_filename(path).dataobj, dtype=np.uint8)[CROP]


def _within(mask: npt.NDArray[np.bool_], radius: float) -> npt.NDArray[np.bool_]:
    """The voxels at most `radius` voxels from the mask."""
    return np.asarray(ndimage.distance_transform_edt(~mask) <= radius)


def without_holes(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The mask with holes filled in every axial slice: cisterns at the skull base are open downwards."""
    planes = [ndimage.binary_fill_holes(mask[:, :, z]) for z in range(mask.shape[2])]
    return np.ascontiguousarray(np.stack(planes, axis=2))


def _whole_brain(head: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The template's brain without thin parts, and with the cisterns at the skull base, which are CSF, not holes.

    Closing and opening with balls of 8 and 4 mm; `head` has 2 mm voxels.
    """
    closed = ~_within(~_within(np.pad(head, 6), 4), 4)[6:-6, 6:-6, 6:-6]
    return _within(~_within(~(without_holes(closed) | head), 2), 2)


def _lateral_ventricles(csf: Array) -> Array:
    """The CSF of the lateral ventricles: the largest connected parts that are deep and near the middle."""
    x, y, z = (
        np.asarray(o) + i
        for o, i in zip(TEMPLATE_ORIGIN, np.ogrid[tuple(map(slice, csf.shape))], strict=True)
    )
    deep = (np.abs(x) > 1) & (np.abs(x) < 36) & (y > -52) & (y < 36) & (z > -12) & (z < 34)
    deep &= ~((np.abs(x) < 14) & (y < -22) & (z < 14))
    labels, _ = ndimage.label((csf > 0.5) & deep)
    sizes = np.bincount(labels.ravel())[1:]
    return np.where(np.isin(labels, 1 + np.argsort(sizes)[-2:]), csf, 0).astype(np.float32)


def _fractions(gm: Array, wm: Array, brain: npt.NDArray[np.bool_]) -> Array:
    """Sharpened csf, gm and wm, (3, X, Y, Z), summing to one in the brain.

    CSF decreases in the last millimetres below the surface: a skull-stripped brain has no bright rim.
    """
    depth = ndimage.distance_transform_edt(brain)
    csf = np.clip(1 - gm - wm, 0, 1)
    csf = np.where(gm + wm > 0.05, csf * np.clip(depth / 5, 0.15, 1), csf)
    powers = np.stack([csf, gm, wm]) ** SHARPEN
    return np.asarray(powers / np.maximum(powers.sum(axis=0), 1e-6), dtype=np.float32)


def _averaged(volume: Array) -> Array:
    """Averaged over 2 mm."""
    return np.asarray(ndimage.gaussian_filter(volume, 0.7, truncate=3.0), dtype=np.float32)


@cache
def load_atlas() -> Atlas:
    """The maps of the template, computed once in a process."""
    gm, wm = (_template(tissue).astype(np.float32) / np.float32(255) for tissue in ("gm", "wm"))
    coarse = _whole_brain(_template("t1")[::2, ::2, ::2] > 0)
    brain = coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    brain = ndimage.gaussian_filter(brain.astype(np.float32), 1.5) > 0.5
    brain[:, :, 0] = False  # the template ends here, within the brain stem, and so do the phantoms
    tissues = _fractions(gm, wm, brain)
    seen = np.stack([_averaged(tissue * brain) for tissue in tissues])
    return Atlas(_averaged(brain.astype(np.float32)), seen, _averaged(_lateral_ventricles(tissues[0])))
