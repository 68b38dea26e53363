"""Step `scale`: intensities to [0, 1] by two percentiles inside the brain, background 0."""

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
    """Maps two percentiles of the intensities inside the brain to 0 and 1, each modality by itself; background 0.

    Parameters
        percentiles: the percentiles that become 0 and 1, percent.
        clip: whether values above 1 are set to 1; values below 0 are always set to 0.

    Records, by modality: the two intensities that became 0 and 1.

    Raises DataError where the two percentiles are equal (UB327).

    Source: percentiles 1 and 99 inside the mask are the rule of Behrendt et al. (MIDL 2023) and of Behrendt et al.
    (2025).

    >>> from uad_bench.prepare.example import example_case
    >>> scaled = Scale(percentiles=(0, 100)).apply(example_case())
    >>> image = scaled.images["t2"].array
    >>> float(image.min()), float(image.max()), dict(scaled.figures)
    (0.0, 1.0, {'t2': [99.0, 200.0]})
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
        """The case with scaled images."""
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
    """`array` (X, Y, Z) with `low` at 0 and `high` at 1, clipped below 0 and above `top`, 0 outside `brain`."""
    unit = np.clip((array - np.float32(low)) / np.float32(high - low), 0, top)
    return np.where(brain, unit, np.float32(0)).astype(np.float32)
