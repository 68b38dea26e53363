"""Step `resample`: images and masks on one grid, by the world coordinates of their headers."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from scipy import ndimage

from uad_bench.data.checks import log
from uad_bench.data.volumes import Grid, Image, Mask, Volume
from uad_bench.prepare.grid import on_grid, same_grid, sample
from uad_bench.prepare.lesion import Resampled, resample_lesions
from uad_bench.prepare.working import Step, Working
from uad_bench.types import Affine, BoolArray, FloatArray

Millimetres = Annotated[float, Field(gt=0.1, le=20)]
Voxels = Annotated[int, Field(ge=4, le=1024)]
# A voxel is brain only where a quarter of it holds data in each modality.
SUPPORT = 0.25


class Resample(Step):
    """One grid along the world's axes, RAS+: rotation and scale come from the header, nothing is registered.

    spacing: mm; shape: voxels (X, Y, Z); centre: the grid's middle, mm in the world, or "brain", the centre
    of mass of the brain mask, to half a voxel of the source. Raises DataError where the grid holds no brain at
    all (UB331).
    """

    step: Literal["resample"] = "resample"
    spacing: tuple[Millimetres, Millimetres, Millimetres]
    shape: tuple[Voxels, Voxels, Voxels]
    centre: Literal["brain"] | tuple[float, float, float] = "brain"

    def apply(self, working: Working) -> Working:
        """All volumes on the grid; the lesion mask by the rule of the fullest voxels."""
        brain = working.brain()
        grid = self.grid(brain)
        images, mask = _images(working, brain, grid)
        if not mask.any():
            raise working.fault("the grid holds no brain", "check `centre` and the header's origin", "UB331")
        lesions = resample_lesions(working.lesion_mask, grid) if working.lesion_mask else None
        ignored = on_grid(working.ignored, grid) >= 0.5 if working.ignored else None
        if ignored is not None and lesions:
            ignored &= ~lesions.mask.array
        return replace(
            working,
            images=images,
            brain_mask=Volume(mask, grid.affine),
            lesion_mask=lesions.mask if lesions else None,
            ignored=None if ignored is None else Volume(ignored, grid.affine),
            lost=lesions.lost if lesions else 0,
            figures=_figures(working, brain, grid, mask)
            | (_lesion_figures(working, lesions) if lesions else {}),
        )

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


@dataclass(frozen=True, eq=False)
class Weight:
    """What counts of an image: `inner`, 0 to 1, on the image's own grid; `share`, the same on the target."""

    inner: FloatArray
    share: FloatArray

    @classmethod
    def of(cls, inner: FloatArray, source: Grid, target: Grid) -> "Weight":
        """The weight `inner` on `source`, carried to `target`."""
        return cls(inner, sample(inner, source, target))


def _images(working: Working, brain: Mask, grid: Grid) -> tuple[dict[str, Image], BoolArray]:
    """The images on `grid`, and the brain there: half of a voxel, and with data in every image."""
    own = Weight.of(brain.array.astype(np.float32), brain.grid, grid)
    mask = own.share >= 0.5
    images: dict[str, Image] = {}
    for name, image in working.images.items():
        weight = own
        if not same_grid(image.grid, brain.grid):
            # Off its own grid the mask's rim falls between voxels, so zeros left by stripping must not count.
            weight = Weight.of(on_grid(brain, image.grid) * (image.array != 0), image.grid, grid)
            mask &= ndimage.binary_fill_holes(weight.share >= SUPPORT)
        images[name] = Volume(brain_mean(image, weight, grid), grid.affine)
    return images, mask


def brain_mean(image: Image, weight: Weight, grid: Grid) -> FloatArray:
    """The image's weighted mean over each voxel of `grid`; 0 where nothing of it counts.

    Skull, or the zeros left by skull stripping, therefore never bleed into the rim (normalised convolution,
    Knutsson and Westin 1993).
    """
    total = sample(image.array * weight.inner, image.grid, grid)
    mean: FloatArray = np.divide(total, weight.share, out=np.zeros_like(total), where=weight.share > 1e-3)
    return mean


def _figures(working: Working, brain: Mask, grid: Grid, mask: BoolArray) -> dict[str, Any]:
    """Where the grid went, and how much brain it left out."""
    before = float(brain.array.sum()) * brain.grid.voxel_ml
    after = float(mask.sum()) * grid.voxel_ml
    if after < 0.97 * before:
        log.warning(
            "%s: %.1f %% of the brain lies outside the grid", working.case_id, 100 * (1 - after / before)
        )
    middle = grid.affine[:3, :3] @ ((np.array(grid.shape) - 1) / 2) + grid.affine[:3, 3]
    return {"shift_mm": middle.round(3).tolist(), "brain_ml": [round(before, 1), round(after, 1)]}


def _lesion_figures(working: Working, lesions: Resampled) -> dict[str, Any]:
    if lesions.lost:
        log.warning("%s: %d lesion voxels lie outside the grid", working.case_id, lesions.lost)
    return {
        "lesion_voxels": int(lesions.mask.array.sum()),
        "lesion_voxels_lost": lesions.lost,
        "lesions": lesions.lesions,
        "lesions_outside": lesions.lesions_outside,
    }
