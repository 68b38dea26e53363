"""Step `atlas_grid`: the brain alone on the grid of its atlas, as registered by Behrendt et al. (MIDL 2023)."""

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from uad_bench.data.nifti.read import Grid, Image, Volume
from uad_bench.errors import IntegrityError
from uad_bench.prepare.resampling.grid import on_grid
from uad_bench.prepare.resampling.interpolate import Interpolation, on_other_grid
from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.prepare.steps.isotropic import Isotropic


class AtlasGrid(Step):
    """Resamples every volume to the grid of the atlas, after the step `register`; images become 0 outside the brain.

    Images are interpolated, masks taken by nearest neighbour.

    Parameters
        atlas: name or path of the atlas, as in `register`.
        sha256: SHA-256 (hex) of the atlas's file, "" for any.
        spacing: voxel size, mm, where it differs from that of the atlas; None: the atlas's own.
        interpolation: "linear", or "bspline" (cubic, clipped to the range of the image).

    Records `brain_ml` (volume of the brain before and after, ml), and the lesion voxels and lesions that are left,
    lost or vanished (see `ResampledLesions`).

    Raises DataError for an atlas that cannot be found (UB337) and where its box contains no brain (UB331),
    IntegrityError for an atlas file with another SHA-256 (UB503).

    Source: Behrendt et al. (MIDL 2023), published code: ANTs resamples the skull-stripped scan linearly. Masks are
    resampled linearly there too, and by nearest neighbour here.

    >>> from uad_bench.prepare.example import example_case
    >>> after = AtlasGrid(atlas="mni152", spacing=4).apply(example_case())
    >>> after.images["t2"].array.shape, after.images["t2"].grid.spacing
    ((49, 58, 47), (4.0, 4.0, 4.0))
    """

    step: Literal["atlas_grid"] = "atlas_grid"
    atlas: str = "mni152"
    sha256: str = ""
    spacing: Annotated[float, Field(gt=0.1, le=20)] | None = None
    interpolation: Interpolation = "linear"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case on the atlas's grid, images without skull."""
        brain, grid = case.brain(), self.grid()
        # The papers register scans without a skull, so the zeros around the brain take part in the interpolation.
        stripped = {name: _brain_only(image, case) for name, image in case.images.items()}
        moved = on_other_grid(replace(case, images=stripped), lambda _: grid, self.interpolation)
        if not moved.brain().array.any():
            hint = "put the step 'register' before, with the same atlas"
            raise case.error("the atlas's box contains no brain", hint, "UB331")
        before, after = (float(m.array.sum()) * m.grid.voxel_ml for m in (brain, moved.brain()))
        return replace(moved, figures={**moved.figures, "brain_ml": [round(before, 1), round(after, 1)]})

    def grid(self) -> Grid:
        """The grid of the atlas, RAS+."""
        from uad_bench.prepare.registration.atlas import atlas_sha256, load_atlas

        if self.sha256 and atlas_sha256(self.atlas) != self.sha256:
            hint = f"the protocol was made with the file of SHA-256 {self.sha256}"
            raise IntegrityError("another atlas file", where=f"atlas {self.atlas}", hint=hint, code="UB503")
        own = load_atlas(self.atlas).brain.grid
        return own if self.spacing is None else Isotropic(spacing=self.spacing).grid(own)


def _brain_only(image: Image, case: CaseVolumes) -> Image:
    inside = on_grid(case.brain(), image.grid) >= 0.5
    return Volume(np.where(inside, image.array, np.float32(0)), image.affine)
