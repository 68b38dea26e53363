"""Step `resample`: images and masks on one grid, by the world coordinates of their headers."""

import logging
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from scipy import ndimage

from uad_bench.data.nifti.read import Grid, Image, Mask, Volume
from uad_bench.prepare.resampling.grid import on_grid, same_grid
from uad_bench.prepare.resampling.interpolate import Interpolation, Weight, brain_mean, brain_spline
from uad_bench.prepare.resampling.lesion_mask import (
    Resampled,
    in_voxels_of,
    nearest_lesions,
    resample_lesions,
)
from uad_bench.prepare.step import Step, Working
from uad_bench.types import Affine, BoolArray

log = logging.getLogger(__name__)

Millimetres = Annotated[float, Field(gt=0.1, le=20)]
Voxels = Annotated[int, Field(ge=4, le=1024)]
# A voxel is brain only where a quarter of it holds data in each modality.
SUPPORT = 0.25
# Of the brain: less than this on the grid, or with data, is told.
ENOUGH = 0.97


class Resample(Step):
    """One grid along the world's axes, RAS+, by the affines of the volumes: native voxels, sampled once.

    Nothing is registered here; after the step `register` the affines, sheared as they may be, lead to the
    atlas's world. spacing: mm; shape: voxels (X, Y, Z); centre: the grid's middle, mm in the world, or
    "brain", the centre of mass of the brain mask, to half a voxel of the source. interpolation: both are
    averaged over each voxel; the spline is sharper and stays within the range of the brain. lesions: by the
    rule of the fullest voxels, or nearest neighbour. data_only: where an image on the mask's own grid holds
    no data, its field of view cut by zeros, is no brain either; holes are.

    Raises DataError where the grid holds no brain (UB331).
    """

    step: Literal["resample"] = "resample"
    spacing: tuple[Millimetres, Millimetres, Millimetres]
    shape: tuple[Voxels, Voxels, Voxels]
    centre: Literal["brain"] | tuple[float, float, float] = "brain"
    interpolation: Interpolation = "linear"
    lesions: Literal["fullest", "nearest"] = "fullest"
    data_only: bool = False

    def apply(self, working: Working) -> Working:
        """All volumes on the grid; the brain mask keeps only voxels with data in every modality."""
        brain = working.brain()
        grid = self.grid(brain)
        images, mask, covered = _images(working, brain, grid, self.interpolation, self.data_only)
        if not mask.any():
            raise working.fault("the grid holds no brain", "check `centre` and the header's origin", "UB331")
        lesions = self._lesions(working, grid)
        ignored = on_grid(working.ignored, grid) >= 0.5 if working.ignored else None
        if ignored is not None and lesions:
            ignored &= ~lesions.mask.array
        return replace(
            working,
            images=images,
            brain_mask=Volume(mask, grid.affine),
            lesion_mask=lesions.mask if lesions else None,
            ignored=None if ignored is None else Volume(ignored, grid.affine),
            lost=lesions.lost + _lost_before(working, grid) if lesions else 0,
            figures=_figures(working, grid, mask, covered, lesions),
        )

    def _lesions(self, working: Working, grid: Grid) -> Resampled | None:
        if working.lesion_mask is None:
            return None
        rule = resample_lesions if self.lesions == "fullest" else nearest_lesions
        return rule(working.lesion_mask, grid)

    def grid(self, brain: Mask) -> Grid:
        """The target grid for a case with this brain mask."""
        half = np.array(self.spacing) * np.array(self.shape) / 2
        if self.centre == "brain":
            corner = on_voxel_edge(centre_of_mass(brain) - half, brain.affine)
        else:
            corner = np.array(self.centre) - half
        affine = np.diag([*self.spacing, 1.0])
        affine[:3, 3] = corner + np.array(self.spacing) / 2
        return Grid(self.shape, affine)


def centre_of_mass(mask: Mask) -> Affine:
    """The mean place of a mask's voxels in the world (x, y, z), mm, to a hundredth."""
    middle = np.argwhere(mask.array).mean(axis=0)
    centre: Affine = np.round(mask.affine[:3, :3] @ middle + mask.affine[:3, 3], 2)
    return centre


def on_voxel_edge(point: Affine, affine: Affine) -> Affine:
    """The corner between voxels of `affine` that is nearest to `point` (x, y, z), mm.

    A grid that begins there holds whole voxels of a source with parallel axes and a spacing that divides its
    own: each voxel is a plain mean, and no case is smoothed more than another by where its brain happens to be.
    """
    index = np.linalg.solve(affine[:3, :3], point - affine[:3, 3])
    corner: Affine = affine[:3, :3] @ (np.round(index + 0.5) - 0.5) + affine[:3, 3]
    return corner


def _images(
    working: Working, brain: Mask, grid: Grid, interpolation: Interpolation, data_only: bool
) -> tuple[dict[str, Image], BoolArray, dict[str, float]]:
    """The images on `grid`; the brain there, half of a voxel and with data in every image; what each covers."""
    value = brain_spline if interpolation == "bspline" else brain_mean
    own = Weight.of(brain.array.astype(np.float32), brain.grid, grid)
    mask = own.share >= 0.5
    images: dict[str, Image] = {}
    covered: dict[str, float] = {}
    for name, image in working.images.items():
        weight = own
        if data_only or not same_grid(image.grid, brain.grid):
            # Off its own grid the mask's rim falls between voxels, so zeros left by stripping must not count.
            weight = Weight.of(on_grid(brain, image.grid) * (image.array != 0), image.grid, grid)
            mask &= ndimage.binary_fill_holes(weight.share >= SUPPORT)
        images[name] = Volume(value(image, weight, grid), grid.affine)
        covered[name] = _coverage(image, weight, brain)
    return images, mask, covered


def _coverage(image: Image, weight: Weight, brain: Mask) -> float:
    """The share of the brain's volume where the image holds data: less where its field of view cuts the brain."""
    ml = float(weight.inner[image.array != 0].sum(dtype=np.float64)) * image.grid.voxel_ml
    return round(min(1.0, ml / (float(brain.array.sum()) * brain.grid.voxel_ml)), 4)


def _lost_before(working: Working, grid: Grid) -> int:
    """What steps before lost of the lesions, in voxels of `grid`."""
    return in_voxels_of(grid, working.lost, working.lesion_mask.grid) if working.lesion_mask else 0


def _figures(
    working: Working, grid: Grid, mask: BoolArray, covered: dict[str, float], lesions: Resampled | None
) -> dict[str, Any]:
    """Where the grid went, how much brain it left out or found without data, and the lesions."""
    brain = working.brain()
    before, after = float(brain.array.sum()) * brain.grid.voxel_ml, float(mask.sum()) * grid.voxel_ml
    warnings = [
        f"only {share:.1%} of the brain holds data in {name}"
        for name, share in covered.items()
        if share < ENOUGH
    ]
    if after < ENOUGH * before and not warnings:
        warnings.append(f"{1 - after / before:.1%} of the brain lies outside the grid")
    for sentence in warnings:
        log.warning("%s: %s", working.case_id, sentence)
    of_lesions = lesions.figures(working.case_id) if lesions else {}
    middle = grid.affine[:3, :3] @ ((np.array(grid.shape) - 1) / 2) + grid.affine[:3, 3]
    return of_lesions | {
        "shift_mm": middle.round(3).tolist(),
        "brain_ml": [round(before, 1), round(after, 1)],
        "coverage": covered,
        "warnings": warnings + of_lesions.get("warnings", []),
    }
