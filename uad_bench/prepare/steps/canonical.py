"""Step `canonical`: every volume with its axes in the order right, front, up (RAS+)."""

from typing import Literal

from uad_bench.prepare.resampling.reorient import canonical
from uad_bench.prepare.step import Step, Working


class Canonical(Step):
    """Axes flipped and swapped, never interpolated; the world coordinates of every voxel stay."""

    step: Literal["canonical"] = "canonical"

    def apply(self, working: Working) -> Working:
        """Image and masks alike."""
        axes = {name: image.grid.axes for name, image in working.images.items()}
        return working.everywhere(canonical, canonical, figures={"axes_before": axes})
