"""Step `canonical`: every volume with its axes in the order right, front, up (RAS+)."""

from typing import Literal

from uad_bench.prepare.resampling.reorient import canonical
from uad_bench.prepare.step import CaseVolumes, Step


class Canonical(Step):
    """Flips and swaps the axes of every volume to RAS+, without interpolation; world coordinates do not change.

    An oblique volume gets the axes that are nearest to RAS+.

    Records `axes_before`, by modality: the axes in the file ("LPS").

    >>> from dataclasses import replace
    >>> from uad_bench.data.nifti.read import Volume
    >>> from uad_bench.prepare.example import example_case
    >>> case = example_case()
    >>> flipped = Volume(case.images["t2"].array[::-1], case.images["t2"].affine * [-1, 1, 1, 1])
    >>> after = Canonical().apply(replace(case, images={"t2": flipped}))
    >>> after.images["t2"].grid.axes, dict(after.figures)
    ('RAS', {'axes_before': {'t2': 'LAS'}})
    """

    step: Literal["canonical"] = "canonical"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case with all images and masks reoriented."""
        axes = {name: image.grid.axes for name, image in case.images.items()}
        return case.transformed(canonical, canonical, figures={"axes_before": axes})
