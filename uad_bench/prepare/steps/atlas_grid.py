"""Step `atlas_grid`: the brain alone on the grid of its atlas, as Behrendt et al. (MIDL 2023) register it."""

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
    """Every volume in the atlas's box, after the step `register`; images are 0 outside the brain from here.

    atlas, sha256: as in `register`; spacing: mm, where it is not to be the atlas's own. Images linearly (or
    by cubic B-splines within their range), masks by nearest neighbour. Raises DataError for an atlas that
    cannot be found (UB337) and where its box holds no brain (UB331), IntegrityError for an atlas other than
    the protocol's (UB503).
    """

    step: Literal["atlas_grid"] = "atlas_grid"
    atlas: str = "mni152"
    sha256: str = ""
    spacing: Annotated[float, Field(gt=0.1, le=20)] | None = None
    interpolation: Interpolation = "linear"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """Images, skull off, and masks on the atlas's grid."""
        brain, grid = case.brain(), self.grid()
        # The papers register scans without a skull, so its zeros count in the interpolation.
        alone = {name: _masked(image, case) for name, image in case.images.items()}
        moved = on_other_grid(replace(case, images=alone), lambda _: grid, self.interpolation)
        if not moved.brain().array.any():
            hint = "put the step 'register' before, with the same atlas"
            raise case.error("the atlas's box holds no brain", hint, "UB331")
        before, after = (float(m.array.sum()) * m.grid.voxel_ml for m in (brain, moved.brain()))
        return replace(moved, figures={**moved.figures, "brain_ml": [round(before, 1), round(after, 1)]})

    def grid(self) -> Grid:
        """The atlas's box, RAS+."""
        from uad_bench.prepare.registration.atlas import atlas_sha256, load_atlas

        if self.sha256 and atlas_sha256(self.atlas) != self.sha256:
            hint = f"the protocol was made with the file of SHA-256 {self.sha256}"
            raise IntegrityError("another atlas", where=f"atlas {self.atlas}", hint=hint, code="UB503")
        own = load_atlas(self.atlas).brain.grid
        return own if self.spacing is None else Isotropic(spacing=self.spacing).grid(own)


def _masked(image: Image, case: CaseVolumes) -> Image:
    inside = on_grid(case.brain(), image.grid) >= 0.5
    return Volume(np.where(inside, image.array, np.float32(0)), image.affine)
