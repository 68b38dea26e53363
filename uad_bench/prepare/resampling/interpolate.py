"""Images and masks on another grid: averaged over the brain alone, or whole volumes at voxel centres, as in papers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import ndimage

from uad_bench.data.nifti.read import Grid, Image, Mask, Volume
from uad_bench.prepare.resampling.grid import interpolate, sample, spline_mean, window
from uad_bench.prepare.resampling.lesion_mask import in_voxels_of, nearest_lesions
from uad_bench.prepare.step import CaseVolumes
from uad_bench.types import FloatArray

Interpolation = Literal["linear", "bspline"]
#: With a smaller weight in a voxel, its mean is meaningless and set to 0.
TRACE = 1e-3


@dataclass(frozen=True, eq=False)
class Weight:
    """The weight of each voxel of an image, 0 to 1: `inner` on the image's own grid, `share` on the target grid."""

    inner: FloatArray
    share: FloatArray

    @classmethod
    def of(cls, inner: FloatArray, source: Grid, target: Grid) -> "Weight":
        """The weight `inner` on `source`, resampled to `target`."""
        return cls(inner, sample(inner, source, target))


def brain_mean(image: Image, weight: Weight, grid: Grid) -> FloatArray:
    """The weighted mean of the image over each voxel of `grid`; 0 where the weight is 0.

    Skull, or zeros from skull stripping, therefore do not mix into the rim of the brain (normalised convolution,
    Knutsson and Westin 1993).
    """
    total = sample(image.array * weight.inner, image.grid, grid)
    mean: FloatArray = np.divide(total, weight.share, out=np.zeros_like(total), where=weight.share > TRACE)
    return mean


def brain_spline(image: Image, weight: Weight, grid: Grid) -> FloatArray:
    """As `brain_mean`, by cubic B-splines: sharper, clipped to the range of the image in the brain.

    The weights of a spline cannot be normalised locally, so the brain is first extended outwards by nearest voxels.
    """
    values = np.zeros(grid.shape, dtype=np.float32)
    source, target = weight.inner >= 0.5, weight.share > TRACE
    if not (source.any() and target.any()):
        return values
    # The influence of voxels on a spline vanishes within a few voxels.
    near = _with_margin(ndimage.find_objects(source.astype(np.uint8))[0], 4, source.shape)
    nearest = ndimage.distance_transform_edt(~source[near], return_distances=False, return_indices=True)
    brain = image.array[near][tuple(nearest)]
    box = ndimage.find_objects(target.astype(np.uint8))[0]
    spline = spline_mean(brain, _part(image.grid, near), _part(grid, box))
    values[box] = np.where(target[box], spline, np.float32(0))
    return values


def on_other_grid(
    case: CaseVolumes, target: Callable[[Grid], Grid], interpolation: Interpolation
) -> CaseVolumes:
    """Every volume from its own grid to the `target` of that grid, interpolated at voxel centres, as in papers.

    Images linearly or by cubic B-splines clipped to their range, masks by nearest neighbour. `lost` is converted to
    voxels of the new grid.
    """

    def image(volume: Image) -> Image:
        grid = target(volume.grid)
        order: Literal[1, 3] = 3 if interpolation == "bspline" else 1
        return Volume(interpolate(volume.array, volume.grid, grid, order), grid.affine)

    def mask(volume: Mask) -> Mask:
        grid = target(volume.grid)
        return Volume(interpolate(volume.array, volume.grid, grid, 0), grid.affine)

    moved = case.transformed(image, mask, figures={"warnings": []})
    if case.lesion_mask is None:
        return moved
    before = case.lesion_mask.grid
    lesions = nearest_lesions(case.lesion_mask, target(before))
    lost = lesions.lost + in_voxels_of(target(before), case.lost, before)
    return replace(moved, lesion_mask=lesions.mask, lost=lost, figures=lesions.figures(case.case_id))


def _with_margin(box: tuple[slice, ...], by: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The box with a margin of `by` voxels, within an array of `shape`."""
    return tuple(slice(max(0, s.start - by), min(n, s.stop + by)) for s, n in zip(box, shape, strict=True))


def _part(grid: Grid, box: tuple[slice, ...]) -> Grid:
    """The grid of a box of indices."""
    return window(grid, tuple(s.start for s in box), tuple(s.stop - s.start for s in box))
