"""Maps of the template with its sulci: where CSF lies between gyri, and the depth below the brain's surface.

An average of 152 brains has no sharp sulci, but it keeps their places: they are the ridges of the distance to white
matter in cortex.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_datasets.phantom.atlas import TEMPLATE_ORIGIN, _template, load_atlas
from uad_datasets.phantom.grid import Array


@dataclass(frozen=True)
class Detail:
    """Template maps at 1 mm, not averaged, (X, Y, Z); depth at 2 mm.

    depth: mm below the surface of the brain, negative outside; fluid: evidence for CSF, above about 0.5 mostly CSF;
    white: share of white matter; nuclei: 1 in deep grey matter, which has nearly the signal of white matter on T2.
    """

    depth: Array
    fluid: Array
    white: Array
    nuclei: Array


@cache
def load_detail() -> Detail:
    """The maps, computed once in a process."""
    brain = load_atlas().brain > 0.5
    gm, wm = (_template(tissue).astype(np.float32) / np.float32(255) for tissue in ("gm", "wm"))
    csf = np.clip(1 - gm - wm, 0, 1) * brain
    coarse = brain[::2, ::2, ::2]
    depth = np.float32(2) * (_distance(coarse) - _distance(~coarse))
    fluid = csf + np.float32(0.9) * _ridges(wm) * np.clip(8 * csf, 0, 1)
    return Detail(depth, fluid.astype(np.float32), wm, _nuclei(gm))


def _distance(mask: npt.NDArray[np.bool_]) -> Array:
    """The distance of voxels of the mask to its border, in voxels; 0 outside."""
    return np.asarray(ndimage.distance_transform_edt(mask), dtype=np.float32)


def _ridges(white: Array) -> Array:
    """The ridges of the distance to white matter, 0 to 1."""
    return np.asarray(np.clip(-ndimage.gaussian_laplace(_distance(white < 0.5), 1.0), 0, 1))


def _nuclei(grey: Array) -> Array:
    """Grey matter of basal ganglia, thalamus and brain stem, 0 to 1: an ellipsoid without insula and cortex."""
    axes = np.ogrid[tuple(map(slice, grey.shape))]
    x, y, z = (axis + start for axis, start in zip(axes, TEMPLATE_ORIGIN, strict=True))
    inside = (x / 31) ** 2 + ((y + 8) / 28) ** 2 + ((z - 2) / 20) ** 2 < 1
    stem = (np.abs(x) < 16) & (y > -40) & (y < -8) & (z <= -12)
    return np.asarray(ndimage.gaussian_filter((inside | stem).astype(np.float32), 2.0, truncate=2.0))
