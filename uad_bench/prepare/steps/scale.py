"""Step `scale`: intensities to [0, 1] by percentiles inside the brain, background 0."""

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from uad_bench.data.nifti.read import Image, Volume
from uad_bench.prepare.resampling.grid import on_grid
from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.types import BoolArray, FloatArray

Percent = Annotated[float, Field(ge=0, le=100)]


class Scale(Step):
    """Two percentiles of the voxels inside the brain become 0 and 1, each modality by itself.

    Below 0 is cut always, above 1 unless `clip` is false. Percentiles 1 and 99 inside the mask are the rule
    of Behrendt et al. 2023, 2025. Raises DataError for equal percentiles (UB327).
    """

    step: Literal["scale"] = "scale"
    percentiles: tuple[Percent, Percent] = (1.0, 99.0)
    clip: bool = True

    @model_validator(mode="after")
    def _ordered(self) -> "Scale":
        if self.percentiles[0] >= self.percentiles[1]:
            raise ValueError("the first percentile must be below the second")
        return self

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The images scaled; the record keeps what became 0 and 1."""
        scaled: dict[str, Image] = {}
        figures: dict[str, list[float]] = {}
        for name, image in case.images.items():
            brain = on_grid(case.brain(), image.grid) >= 0.5
            low, high = (float(v) for v in np.percentile(image.array[brain], self.percentiles))
            if not low < high:
                hint = "the image is constant inside the brain mask"
                raise case.error(f"no contrast inside the brain in {name}", hint, "UB327")
            scaled[name] = Volume(
                scale(image.array, brain, low, high, 1.0 if self.clip else None), image.affine
            )
            figures[name] = [low, high]
        return replace(case, images=scaled, figures=figures)


def scale(array: FloatArray, brain: BoolArray, low: float, high: float, top: float | None) -> FloatArray:
    """`array` (X, Y, Z) with `low` at 0 and `high` at 1, cut below 0 and above `top`, 0 outside `brain`."""
    unit = np.clip((array - np.float32(low)) / np.float32(high - low), 0, top)
    return np.where(brain, unit, np.float32(0)).astype(np.float32)
