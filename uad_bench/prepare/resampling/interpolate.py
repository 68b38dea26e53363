"""Images and masks carried to another grid: the brain alone, averaged; or whole volumes, as papers do it."""

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
# Share of a voxel below which what lies in it says nothing of the whole.
TRACE = 1e-3


@dataclass(frozen=True, eq=False)
class Weight:
    """What counts of an image: `inner`, 0 to 1, on the image's own grid; `share`, the same on the target."""

    inner: FloatArray
    share: FloatArray

    @classmethod
    def of(cls, inner: FloatArray, source: Grid, target: Grid) -> "Weight":
        """The weight `inner` on `source`, carried to `target`."""
        return cls(inner, sample(inner, source, target))


def brain_mean(image: Image, weight: Weight, grid: Grid) -> FloatArray:
    """The image's weighted mean over each voxel of `grid`; 0 where nothing of it counts.

    Skull, or the zeros left by skull stripping, therefore never bleed into the rim (normalised convolution,
    Knutsson and Westin 1993).
    """
    total = sample(image.array * weight.inner, image.grid, grid)
    mean: FloatArray = np.divide(total, weight.share, out=np.zeros_like(total), where=weight.share > TRACE)
    return mean


def brain_spline(image: Image, weight: Weight, grid: Grid) -> FloatArray:
    """As `brain_mean`, by cubic B-splines: sharper, within the range that the image has in the brain.

    A spline has no local support to normalise, so the brain is first continued outwards by its nearest voxels.
    """
    values = np.zeros(grid.shape, dtype=np.float32)
    counts, there = weight.inner >= 0.5, weight.share > TRACE
    if not (counts.any() and there.any()):
        return values
    # A spline forgets what is farther than a few voxels.
    near = _grown(ndimage.find_objects(counts.astype(np.uint8))[0], 4, counts.shape)
    nearest = ndimage.distance_transform_edt(~counts[near], return_distances=False, return_indices=True)
    brain = image.array[near][tuple(nearest)]
    box = ndimage.find_objects(there.astype(np.uint8))[0]
    spline = spline_mean(brain, _part(image.grid, near), _part(grid, box))
    values[box] = np.where(there[box], spline, np.float32(0))
    return values


def on_other_grid(
    case: CaseVolumes, target: Callable[[Grid], Grid], interpolation: Interpolation
) -> CaseVolumes:
    """Every volume from its own grid to the `target` of that grid, as papers do, voxel centres only.

    Images linearly or by cubic B-splines within their range, masks by nearest neighbour. `lost` goes on in
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


def _grown(box: tuple[slice, ...], by: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The box of indices with a margin of `by` voxels where the array of `shape` has them."""
    return tuple(slice(max(0, s.start - by), min(n, s.stop + by)) for s, n in zip(box, shape, strict=True))


def _part(grid: Grid, box: tuple[slice, ...]) -> Grid:
    """The grid of a box of its indices."""
    return window(grid, tuple(s.start for s in box), tuple(s.stop - s.start for s in box))
