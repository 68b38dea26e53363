"""Step `canonical`: every volume with its axes in the order right, front, up (RAS+)."""

from typing import Literal

from uad_bench.prepare.resampling.reorient import canonical
from uad_bench.prepare.step import CaseVolumes, Step


class Canonical(Step):
    """Axes flipped and swapped, never interpolated; the world coordinates of every voxel stay."""

    step: Literal["canonical"] = "canonical"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """Image and masks alike."""
        axes = {name: image.grid.axes for name, image in case.images.items()}
        return case.transformed(canonical, canonical, figures={"axes_before": axes})
