"""Step `curvature_flow`: noise smoothed along edges, as Behrendt et al. (MIDL 2023) read a scan."""

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
import SimpleITK as sitk  # as its own documentation does
from pydantic import Field

from uad_bench.data.nifti.read import Image, Volume
from uad_bench.prepare.registration.sitk import from_sitk, one_thread, to_sitk
from uad_bench.prepare.step import CaseVolumes, Step


class CurvatureFlow(Step):
    """Level lines move by their curvature (Sethian 1996): `iterations` of `time_step`, on images, not on masks."""

    step: Literal["curvature_flow"] = "curvature_flow"
    time_step: Annotated[float, Field(gt=0, le=0.125)] = 0.125
    iterations: Annotated[int, Field(ge=1, le=100)] = 3

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The images smoothed; the record keeps the root mean square of what went."""
        images = {name: self.smoothed(image) for name, image in case.images.items()}
        gone = {
            name: round(float(np.sqrt(np.mean((images[name].array - image.array) ** 2))), 4)
            for name, image in case.images.items()
        }
        return replace(case, images=images, figures={"removed_rms": gone})

    def smoothed(self, image: Image) -> Image:
        """The image after the flow."""
        with one_thread():
            flow = sitk.CurvatureFlow(
                to_sitk(image.array, image.grid.spacing), self.time_step, self.iterations
            )
        return Volume(from_sitk(flow).astype(np.float32), image.affine)
