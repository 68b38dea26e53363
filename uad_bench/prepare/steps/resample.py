"""Step `resample`: images and masks on the common grid, by the world coordinates of their headers."""

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
    ResampledLesions,
    in_voxels_of,
    nearest_lesions,
    resample_lesions,
)
from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.types import Affine, BoolArray

log = logging.getLogger(__name__)

Millimetres = Annotated[float, Field(gt=0.1, le=20)]
Voxels = Annotated[int, Field(ge=4, le=1024)]
#: A voxel is brain only where this share of it has data in each modality.
SUPPORT = 0.25
#: A smaller share of the brain on the grid, or with data, gives a warning.
ENOUGH = 0.97


class Resample(Step):
    """Resamples all volumes from their native voxels to one grid along the world axes, RAS+.

    Intensities are averaged over each voxel of the grid and over the brain alone, so that neither skull nor zeros mix
    into its rim (normalised convolution, Knutsson and Westin 1993). Nothing is registered here: after `register` the
    affines, which may have shear, map to the world of the atlas.

    Parameters
        spacing: voxel size (x, y, z), mm.
        shape: voxels (X, Y, Z).
        centre: middle of the grid: world coordinates, mm, or "brain", the centre of mass of the brain mask, to half a
            voxel of the source.
        interpolation: "linear", or "bspline" (cubic), which is sharper and is clipped to the range of the brain.
        lesions: "fullest" keeps the volume of the lesions and at least one voxel of each, see
            `resampling.lesion_mask`; "nearest": nearest neighbour.
        data_only: True: voxels are no brain where an image on the mask's own grid has no data, as in a field of view
            that ends within the head; holes remain brain.

    Records `shift_mm` (middle of the grid), `brain_ml` (volume of the brain before and after, ml), `coverage` (share
    of the brain with data, by modality), and the lesion voxels and lesions that are left or lost (see
    `ResampledLesions`).

    Raises DataError where the grid contains no brain (UB331).

    >>> from uad_bench.prepare.example import example_case
    >>> after = Resample(spacing=(2, 2, 2), shape=(12, 12, 12)).apply(example_case())
    >>> after.images["t2"].array.shape, after.figures["brain_ml"], after.figures["lesion_voxels"]
    ((12, 12, 12), [4.2, 4.3], 15)
    """

    step: Literal["resample"] = "resample"
    spacing: tuple[Millimetres, Millimetres, Millimetres]
    shape: tuple[Voxels, Voxels, Voxels]
    centre: Literal["brain"] | tuple[float, float, float] = "brain"
    interpolation: Interpolation = "linear"
    lesions: Literal["fullest", "nearest"] = "fullest"
    data_only: bool = False

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case on the grid; its brain mask has only voxels with data in every modality."""
        brain = case.brain()
        grid = self.grid(brain)
        images, mask, covered = _images(case, brain, grid, self.interpolation, self.data_only)
        if not mask.any():
            raise case.error("the grid contains no brain", "check `centre` and the header's origin", "UB331")
        lesions = self._lesions(case, grid)
        ignored = on_grid(case.ignored, grid) >= 0.5 if case.ignored else None
        if ignored is not None and lesions:
            ignored &= ~lesions.mask.array
        return replace(
            case,
            images=images,
            brain_mask=Volume(mask, grid.affine),
            lesion_mask=lesions.mask if lesions else None,
            ignored=None if ignored is None else Volume(ignored, grid.affine),
            lost=lesions.lost + _lost_before(case, grid) if lesions else 0,
            figures=_figures(case, grid, mask, covered, lesions),
        )

    def _lesions(self, case: CaseVolumes, grid: Grid) -> ResampledLesions | None:
        if case.lesion_mask is None:
            return None
        rule = resample_lesions if self.lesions == "fullest" else nearest_lesions
        return rule(case.lesion_mask, grid)

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
    """The mean world coordinates (x, y, z) of a mask's voxels, mm, to a hundredth."""
    middle = np.argwhere(mask.array).mean(axis=0)
    centre: Affine = np.round(mask.affine[:3, :3] @ middle + mask.affine[:3, 3], 2)
    return centre


def on_voxel_edge(point: Affine, affine: Affine) -> Affine:
    """The corner of voxels of `affine` that is nearest to `point` (x, y, z), mm.

    A grid that begins there consists of whole source voxels where the axes are parallel and the source spacing divides
    its own. Each voxel is then a plain mean, and the smoothing of a case does not depend on the position of its brain.
    """
    index = np.linalg.solve(affine[:3, :3], point - affine[:3, 3])
    corner: Affine = affine[:3, :3] @ (np.round(index + 0.5) - 0.5) + affine[:3, 3]
    return corner


def _images(
    case: CaseVolumes, brain: Mask, grid: Grid, interpolation: Interpolation, data_only: bool
) -> tuple[dict[str, Image], BoolArray, dict[str, float]]:
    """The images on `grid`; the brain there (half of a voxel, and data in every image); the coverage of each."""
    value = brain_spline if interpolation == "bspline" else brain_mean
    own = Weight.of(brain.array.astype(np.float32), brain.grid, grid)
    mask = own.share >= 0.5
    images: dict[str, Image] = {}
    covered: dict[str, float] = {}
    for name, image in case.images.items():
        weight = own
        if data_only or not same_grid(image.grid, brain.grid):
            # On another grid the rim of the mask falls between voxels: zeros from skull stripping must not count.
            weight = Weight.of(on_grid(brain, image.grid) * (image.array != 0), image.grid, grid)
            mask &= ndimage.binary_fill_holes(weight.share >= SUPPORT)
        images[name] = Volume(value(image, weight, grid), grid.affine)
        covered[name] = _coverage(image, weight, brain)
    return images, mask, covered


def _coverage(image: Image, weight: Weight, brain: Mask) -> float:
    """The share of the brain's volume with data in the image: below 1 where its field of view ends in the brain."""
    ml = float(weight.inner[image.array != 0].sum(dtype=np.float64)) * image.grid.voxel_ml
    return round(min(1.0, ml / (float(brain.array.sum()) * brain.grid.voxel_ml)), 4)


def _lost_before(case: CaseVolumes, grid: Grid) -> int:
    """The lesion voxels that earlier steps lost, in voxels of `grid`."""
    return in_voxels_of(grid, case.lost, case.lesion_mask.grid) if case.lesion_mask else 0


def _figures(
    case: CaseVolumes,
    grid: Grid,
    mask: BoolArray,
    covered: dict[str, float],
    lesions: ResampledLesions | None,
) -> dict[str, Any]:
    """The position of the grid, the brain outside it or without data, and the lesions."""
    brain = case.brain()
    before, after = float(brain.array.sum()) * brain.grid.voxel_ml, float(mask.sum()) * grid.voxel_ml
    warnings = [
        f"only {share:.1%} of the brain has data in {name}"
        for name, share in covered.items()
        if share < ENOUGH
    ]
    if after < ENOUGH * before and not warnings:
        warnings.append(f"{1 - after / before:.1%} of the brain lies outside the grid")
    for sentence in warnings:
        log.warning("%s: %s", case.case_id, sentence)
    of_lesions = lesions.figures(case.case_id) if lesions else {}
    middle = grid.affine[:3, :3] @ ((np.array(grid.shape) - 1) / 2) + grid.affine[:3, 3]
    return of_lesions | {
        "shift_mm": middle.round(3).tolist(),
        "brain_ml": [round(before, 1), round(after, 1)],
        "coverage": covered,
        "warnings": warnings + of_lesions.get("warnings", []),
    }
