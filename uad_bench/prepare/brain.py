"""Step `brain_mask`: what is brain, from the case's own mask or from the voxels that hold data."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from scipy import ndimage

from uad_bench.data.checks import log, settle_nonfinite
from uad_bench.data.volumes import Image, Mask, Volume
from uad_bench.prepare.grid import on_grid
from uad_bench.prepare.working import Step, Working
from uad_bench.types import BoolArray

LEAST, MOST = 0.02, 0.90
# The largest brains on record, cerebrospinal fluid within the skull included, stay below 2.2 litres.
LARGEST_ML = 2200


class BrainMask(Step):
    """The file's own mask if the case has one, else the voxels where every modality holds data.

    Raises DataError for a mask that fills less than 2 % or more than 90 % of its box, as an image with its
    skull and background noise would (UB331), and for NaN or Inf inside the brain (UB326).
    """

    step: Literal["brain_mask"] = "brain_mask"

    def apply(self, working: Working) -> Working:
        """The mask settled and judged, and the images free of NaN and Inf."""
        own = working.brain_mask is not None
        mask = working.brain_mask or brain_from_data(working)
        figures = {"from": "file" if own else "voxels with data", **_judged(working, mask)}
        images = {name: _finite(working, name, mask) for name in working.images}
        return replace(working, images=images, brain_mask=mask, figures=figures)


def brain_from_data(working: Working) -> Mask:
    """Non-zero voxels of all modalities on the first one's grid; largest piece kept, holes filled in 3-D."""
    first = next(iter(working.images.values()))
    filled = first.array != 0
    for image in list(working.images.values())[1:]:
        filled &= on_grid(Volume(image.array != 0, image.affine), first.grid) >= 0.5
    return Volume(ndimage.binary_fill_holes(largest(filled)), first.affine)


def largest(mask: BoolArray) -> BoolArray:
    """The largest component (6 neighbours) of a mask (X, Y, Z); an empty mask as it is."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())[1:]
    kept: BoolArray = labels == 1 + int(sizes.argmax())
    return kept


def _finite(working: Working, name: str, mask: Mask) -> Image:
    """The image without NaN and Inf, which may lie outside the brain only."""
    image = working.images[name]
    if np.isfinite(image.array).all():
        return image
    inside = on_grid(mask, image.grid) >= 0.5
    return replace(image, array=settle_nonfinite(image.array, inside, f"{working.case_id}, {name}"))


def _judged(working: Working, mask: Mask) -> dict[str, Any]:
    """The size of the mask for the record. Raises DataError where it cannot be a brain."""
    voxels = int(mask.array.sum())
    share, ml = voxels / mask.array.size, voxels * mask.grid.voxel_ml
    if not LEAST <= share <= MOST:
        hint = "skull-strip the image, or give its brain mask beside it"
        raise working.fault(f"the brain mask fills {share:.1%} of the box", hint, "UB331")
    if ml > LARGEST_ML:
        log.warning(
            "%s: the brain mask holds %.0f ml, more than a brain: is the skull still on?", working.case_id, ml
        )
    return {"voxels": voxels, "share_of_box": round(share, 4), "ml": round(ml, 1)}
