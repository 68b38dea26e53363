"""Step `curvature_flow`: noise smoothed along edges, as Behrendt et al. (MIDL 2023) load a scan."""

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
import SimpleITK as sitk  # as its own documentation does
from pydantic import Field

from uad_bench.data.nifti.read import Image, Volume
from uad_bench.prepare.registration.sitk import from_sitk, one_thread, to_sitk
from uad_bench.prepare.step import CaseVolumes, Step


class CurvatureFlow(Step):
    """Smooths the images, not the masks: level sets of the intensity move with a speed equal to their curvature.

    Flat regions lose noise, edges are kept.

    Parameters
        time_step: length of one iteration. ITK recommends 0.0625 at most in three dimensions.
        iterations: number of iterations.

    Records `removed_rms`, by modality: the root mean square of the intensity that was removed.

    Source: Sethian, Level Set Methods (1996), as in SimpleITK's `CurvatureFlow`; 3 iterations of 0.125 are those of
    the published code of Behrendt et al. (MIDL 2023).

    >>> from uad_bench.prepare.example import example_case
    >>> case = example_case()
    >>> after = CurvatureFlow(iterations=1).apply(case)
    >>> bool(after.images["t2"].array.std() < case.images["t2"].array.std())
    True
    """

    step: Literal["curvature_flow"] = "curvature_flow"
    time_step: Annotated[float, Field(gt=0, le=0.125)] = 0.125
    iterations: Annotated[int, Field(ge=1, le=100)] = 3

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case with smoothed images."""
        images = {name: self.smoothed(image) for name, image in case.images.items()}
        removed = {
            name: round(float(np.sqrt(np.mean((images[name].array - image.array) ** 2))), 4)
            for name, image in case.images.items()
        }
        return replace(case, images=images, figures={"removed_rms": removed})

    def smoothed(self, image: Image) -> Image:
        """The image after the flow."""
        with one_thread():
            flow = sitk.CurvatureFlow(
                to_sitk(image.array, image.grid.spacing), self.time_step, self.iterations
            )
        return Volume(from_sitk(flow).astype(np.float32), image.affine)
