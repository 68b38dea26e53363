"""Step `brain_mask`: what is brain, from the case's own mask, from the voxels that hold data, or by a tool."""

import logging
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from uad_bench.data.nifti.read import Image, Mask, Volume
from uad_bench.data.nifti.validation import zero_nonfinite
from uad_bench.prepare.mask_pieces import whole
from uad_bench.prepare.resampling.grid import on_grid
from uad_bench.prepare.skull_strip import extract, flip_dice
from uad_bench.prepare.step import Step, Working

log = logging.getLogger(__name__)

LEAST, MOST = 0.02, 0.90
# Whole adult brains, the fluid around them included; wrong orientation shows as 3 to 35 % more.
PLAUSIBLE_ML = (900, 1900)
# No brain on record is larger, and a whole head within its skin holds 2.5 litres and more.
LARGEST_ML = 2200
MOST_LESION = 0.5
# Seven heads as they should be: agreement 0.964 to 0.986, flip Dice 0.987 to 0.995; bad ones mostly below these.
AGREEMENT, FLIP_DICE = 0.95, 0.97

Figures = dict[str, Any]


class BrainMask(Step):
    """The case's own mask if it has one; of a stripped scan the voxels that hold data; of a head a tool's mask.

    stripper: the tool for whole heads (`strip.extract`); "auto": deepbet, else HD-BET. Of several modalities
    it sees one, t1 if there is one; its mask serves the others by its world coordinates. flip_check: let the
    tool see the mirrored head too and warn where the answers differ; that doubles its time. nonfinite: "zero"
    sets NaN and Inf inside the brain to 0, and counts them, instead of refusing the scan.

    Where nobody knows whether a scan is stripped, the zeros and the volume of its data decide, with a warning.
    Raises DataError for a mask that fills less than 2 % or more than 90 % of its box, as an image with its
    skull and background noise would (UB331), and for NaN or Inf inside the brain (UB326); EnvironmentFault
    where a tool is needed and there is none (UB601), so that no head passes for a brain.
    """

    step: Literal["brain_mask"] = "brain_mask"
    stripper: Literal["auto", "deepbet", "hd-bet"] = "auto"
    flip_check: bool = False
    nonfinite: Literal["refuse", "zero"] = "refuse"

    def apply(self, working: Working) -> Working:
        """The mask settled and judged, and the images free of NaN and Inf."""
        mask, figures = self._found(working)
        size, doubts = _judged(working, mask)
        doubts = [
            *figures.pop("warnings", []),
            *doubts,
            *_large_lesions(working, mask),
            *self._zeroed(working),
        ]
        for doubt in doubts:
            log.warning("%s: %s", working.case_id, doubt)
        images = {name: self._finite(working, name, mask) for name in working.images}
        figures |= size | _outside(working, mask) | ({"warnings": doubts} if doubts else {})
        return replace(working, images=images, brain_mask=mask, figures=figures)

    def _found(self, working: Working) -> tuple[Mask, Figures]:
        """The mask and where it is from. A tool never runs on a scan that is stripped, or may be."""
        if working.brain_mask is not None:
            return working.brain_mask, {"from": "file"}
        data = None if working.stripped is False else brain_from_data(working)
        if data is None or not (working.stripped or looks_stripped(data)):
            mask, figures = self._by_tool(working)
        else:
            mask, figures = data, {"from": "voxels with data"}
        if data is not None and working.stripped is None:
            figures["warnings"] = [_guess(data), *figures.get("warnings", [])]
        return mask, figures

    def _by_tool(self, working: Working) -> tuple[Mask, Figures]:
        """The mask of a whole head."""
        name = "t1" if "t1" in working.images else next(iter(working.images))
        image = working.images[name]
        found = extract(image, self.stripper, working.case_id)
        figures: Figures = {"from": found.tool, "image": name}
        if found.agreement is not None:
            figures["agreement"] = found.agreement
        if self.flip_check:
            figures["flip_dice"] = round(flip_dice(image, found, self.stripper, working.case_id), 4)
        if figures.get("agreement", 1) < AGREEMENT or figures.get("flip_dice", 1) < FLIP_DICE:
            figures["warnings"] = [f"{found.tool} is unsure of the brain in {name}: look at its mask"]
        return within_data(found.brain, image), figures

    def _zeroed(self, working: Working) -> list[str]:
        """What is said of NaN and Inf that become 0 wherever they lie."""
        bad = {name: int((~np.isfinite(image.array)).sum()) for name, image in working.images.items()}
        told = [f"{count} NaN or Inf voxels of {name} set to 0" for name, count in bad.items() if count]
        return told if self.nonfinite == "zero" else []

    def _finite(self, working: Working, name: str, mask: Mask) -> Image:
        """The image without NaN and Inf, which may lie outside the brain only where they are not to be zero."""
        image = working.images[name]
        finite = np.isfinite(image.array)
        if finite.all():
            return image
        if self.nonfinite == "zero":
            return replace(image, array=np.where(finite, image.array, np.float32(0)))
        inside = on_grid(mask, image.grid) >= 0.5
        return replace(image, array=zero_nonfinite(image.array, inside, f"{working.case_id}, {name}"))


def brain_from_data(working: Working) -> Mask:
    """Non-zero voxels of all modalities on the first one's grid; largest piece kept, holes filled in 3-D."""
    first = next(iter(working.images.values()))
    filled = first.array != 0
    for image in list(working.images.values())[1:]:
        filled &= on_grid(Volume(image.array != 0, image.affine), first.grid) >= 0.5
    return Volume(whole(filled), first.affine)


def within_data(mask: Mask, image: Image) -> Mask:
    """A tool's mask without the zeros around the head, into which it bulges where a rim of skull was left.

    Largest piece kept, holes filled: zeros inside the brain stay brain.
    """
    return Volume(whole(mask.array & (image.array != 0)), mask.affine)


def looks_stripped(data: Mask) -> bool:
    """Whether voxels with data, holes filled, are few enough to be a brain and leave a background of zeros."""
    ml = float(data.array.sum()) * data.grid.voxel_ml
    return ml <= LARGEST_ML and float(data.array.mean()) <= MOST


def _guess(data: Mask) -> str:
    """What was made of a scan of which nobody said whether it is stripped."""
    ml = float(data.array.sum()) * data.grid.voxel_ml
    taken = "as stripped" if looks_stripped(data) else "as a whole head"
    return f"taken {taken} by its {ml:.0f} ml of data: let the dataset declare `stripped` true or false"


def _outside(working: Working, mask: Mask) -> Figures:
    """How many lesion voxels the mask leaves out: they stay lesion, and count as missed by every method."""
    if working.lesion_mask is None:
        return {}
    lesions = working.lesion_mask
    count, total = int((lesions.array & (on_grid(mask, lesions.grid) < 0.5)).sum()), int(lesions.array.sum())
    if count:
        log.warning("%s: %d of %d lesion voxels lie outside the brain mask", working.case_id, count, total)
    return {"lesion_voxels_outside_brain": count}


def _large_lesions(working: Working, mask: Mask) -> list[str]:
    """A doubt about lesions that fill more than half of the brain: `data check` calls them an error."""
    if working.lesion_mask is None:
        return []
    lesions, brain = (float(one.array.sum()) * one.grid.voxel_ml for one in (working.lesion_mask, mask))
    what = (
        f"the lesions hold {lesions:.0f} ml, the brain {brain:.0f} ml: is it a brain mask or a parcellation?"
    )
    return [what] if lesions > MOST_LESION * brain else []


def _judged(working: Working, mask: Mask) -> tuple[Figures, list[str]]:
    """The size of the mask for the record, and doubts. Raises DataError where it cannot be a brain."""
    voxels = int(mask.array.sum())
    share, ml = voxels / mask.array.size, voxels * mask.grid.voxel_ml
    if not LEAST <= share <= MOST:
        hint = "skull-strip the image, or give its brain mask beside it"
        raise working.fault(f"the brain mask fills {share:.1%} of the box", hint, "UB331")
    doubts = []
    if not PLAUSIBLE_ML[0] <= ml <= PLAUSIBLE_ML[1]:
        why = "is part of it missing?" if ml < PLAUSIBLE_ML[0] else "is the skull still on, or an axis wrong?"
        doubts = [f"the brain mask holds {ml:.0f} ml, a whole adult brain 900 to 1900: {why}"]
    return {"voxels": voxels, "share_of_box": round(share, 4), "ml": round(ml, 1)}, doubts
