"""Step `brain_mask`: what is brain, from the case's own mask, from the voxels that hold data, or by a tool."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from scipy import ndimage

from uad_bench.data.checks import log, settle_nonfinite
from uad_bench.data.volumes import Image, Mask, Volume
from uad_bench.prepare.grid import on_grid
from uad_bench.prepare.strip import Extracted, extract, flip_dice
from uad_bench.prepare.working import Step, Working
from uad_bench.types import BoolArray

LEAST, MOST = 0.02, 0.90
# Whole adult brains, cerebrospinal fluid within the skull included.
PLAUSIBLE_ML = (900, 1900)
# The largest brains on record stay below; a whole head holds 2.5 litres and more within its skin.
LARGEST_ML = 2200
# Whole heads measured 0.964 to 0.986; rim-left, upside-down and stripped ones mostly below 0.95.
AGREEMENT, FLIP_DICE = 0.95, 0.97


class BrainMask(Step):
    """The mask of the file if the case has one; of stripped scans the voxels that hold data; else a tool's.

    stripper: the tool for whole heads, see `strip`; "auto" takes deepbet, else HD-BET. With several
    modalities it sees one, t1 if there is one, whose mask serves the others by its world coordinates.
    flip_check: have it judge the mirrored head too, and warn below a Dice of 0.97; doubles its time.

    Where nobody says whether the scans are stripped, the zeros and the volume of data decide, with a warning.
    Raises DataError for a mask that fills less than 2 % or more than 90 % of its box (UB331) and for NaN or
    Inf inside the brain (UB326), EnvironmentFault where a tool is needed and none is installed (UB601).
    """

    step: Literal["brain_mask"] = "brain_mask"
    stripper: Literal["auto", "deepbet", "hd-bet"] = "auto"
    flip_check: bool = False

    def apply(self, working: Working) -> Working:
        """The mask settled and judged, and the images free of NaN and Inf."""
        mask, found = self._found(working)
        figures, doubts = _judged(working, mask)
        doubts = [*found.pop("warnings", []), *doubts]
        for doubt in doubts:
            log.warning("%s: %s", working.case_id, doubt)
        images = {name: _finite(working, name, mask) for name in working.images}
        figures = found | figures | ({"warnings": doubts} if doubts else {})
        return replace(working, images=images, brain_mask=mask, figures=figures)

    def _found(self, working: Working) -> tuple[Mask, dict[str, Any]]:
        """The mask, and where it is from."""
        if working.brain_mask is not None:
            return working.brain_mask, {"from": "file"}
        if working.stripped is False:
            return self._by_tool(working)
        data, figures = brain_from_data(working), {"from": "voxels with data"}
        if working.stripped:
            return data, figures
        if looks_stripped(data):
            return data, figures | {"warnings": [_undeclared(data, "taken as skull-stripped")]}
        data_, figures_ = self._by_tool(working)
        said = [_undeclared(data, "taken as whole heads"), *figures_.pop("warnings", [])]
        return data_, figures_ | {"warnings": said}

    def _by_tool(self, working: Working) -> tuple[Mask, dict[str, Any]]:
        """The mask of a whole head by a tool, tidied."""
        name = "t1" if "t1" in working.images else next(iter(working.images))
        image = working.images[name]
        found = extract(image, self.stripper, working.case_id)
        figures: dict[str, Any] = {"from": found.tool, "image": name, "warnings": []}
        if found.agreement is not None:
            figures["agreement"] = found.agreement
        if self.flip_check:
            figures["flip_dice"] = round(flip_dice(image, found, self.stripper, working.case_id), 4)
        if figures.get("agreement", 1) < AGREEMENT or figures.get("flip_dice", 1) < FLIP_DICE:
            figures["warnings"] = [f"{found.tool} is not sure of the brain in {name}: look at the mask"]
        return within_data(found.brain, image), figures
