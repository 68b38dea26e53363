"""Step `brain_mask`: the brain from the case's own mask, from the voxels with data, or by a skull-stripping tool."""

import logging
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from uad_bench.data.nifti.read import Image, Mask, Volume
from uad_bench.data.nifti.validation import zero_nonfinite
from uad_bench.prepare.largest_component import filled_largest_component
from uad_bench.prepare.resampling.grid import on_grid
from uad_bench.prepare.skull_strip import extract_brain, flip_dice
from uad_bench.prepare.step import CaseVolumes, Step

log = logging.getLogger(__name__)

#: Shares of its box that a brain can fill.
LEAST, MOST = 0.02, 0.90
#: Whole adult brains with the fluid around them; in a wrong orientation tools find 3 to 35 % more.
PLAUSIBLE_ML = (900, 1900)
#: No brain on record is larger, and a whole head within its skin has 2.5 litres and more.
LARGEST_ML = 2200
#: Share of the brain above which lesions are most likely another mask.
MOST_LESION = 0.5
#: A smaller share of the first image's brain with data in all images gives a warning.
ENOUGH = 0.97
#: Seven correct masks: agreement 0.964 to 0.986, flip Dice 0.987 to 0.995; wrong ones were mostly below these limits.
AGREEMENT, FLIP_DICE = 0.95, 0.97

Figures = dict[str, Any]


class BrainMask(Step):
    """Sets the brain mask: the case's own; else, of a stripped scan, its voxels with data; else that of a tool.

    Voxels with data are the non-zero voxels of all modalities, largest component, holes filled. Where it is not known
    whether a scan is stripped (`Case.stripped` is None), the background and the volume of its data decide, with a
    warning. NaN and Inf outside the brain become 0.

    Parameters
        stripper: the tool for whole heads: "deepbet", "hd-bet", or "auto", the first of them that is installed. It
            receives one modality, t1 if there is one; the mask applies to the others by its world coordinates.
        flip_check: run the tool on the mirrored head too, and warn where the two masks differ; this doubles its time.
        nonfinite: "refuse" raises an error for NaN or Inf inside the brain, "zero" sets them to 0 with a warning.

    Records `from` (file, voxels with data, or the tool with its version), `voxels`, `ml`, `share_of_box` and
    `lesion_voxels_outside_brain`; of a tool also the modality (`image`), `agreement` (Dice of its coarse and its fine
    prediction) and `flip_dice`.

    Raises DataError for a mask that fills less than 2 % or more than 90 % of its box, as that of an image with skull
    and background noise would, for images without a common voxel with data (UB331), and for NaN or Inf inside the brain
    (UB326); EnvironmentFault where a tool is needed and none is installed (UB601), so that a whole head is never used
    as a brain.

    Source: deepbet, Fisch et al. (2024); HD-BET, Isensee et al. (Hum Brain Mapp 40(17), 2019).

    >>> from dataclasses import replace
    >>> from uad_bench.prepare.example import example_case
    >>> without_mask = replace(example_case(), brain_mask=None)
    >>> after = BrainMask().apply(without_mask)
    >>> after.figures["from"], after.figures["ml"], after.figures["lesion_voxels_outside_brain"]
    ('voxels with data', 4.2, 0)
    """

    step: Literal["brain_mask"] = "brain_mask"
    stripper: Literal["auto", "deepbet", "hd-bet"] = "auto"
    flip_check: bool = False
    nonfinite: Literal["refuse", "zero"] = "refuse"

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case with a brain mask of checked size, and images without NaN and Inf."""
        mask, figures = self._find_mask(case)
        size, doubts = _check_size(case, mask)
        doubts = (
            figures.pop("warnings", []) + doubts + _large_lesions(case, mask) + self._nonfinite_warnings(case)
        )
        for doubt in doubts:
            log.warning("%s: %s", case.case_id, doubt)
        images = {name: self._finite(case, name, mask) for name in case.images}
        figures |= size | _lesions_outside(case, mask) | ({"warnings": doubts} if doubts else {})
        return replace(case, images=images, brain_mask=mask, figures=figures)

    def _find_mask(self, case: CaseVolumes) -> tuple[Mask, Figures]:
        """The mask and its origin. A tool never runs on a scan that is stripped, or may be."""
        if case.brain_mask is not None:
            return case.brain_mask, {"from": "file"}
        data = None if case.stripped is False else brain_from_data(case)
        if data is None or not (case.stripped or looks_stripped(data)):
            mask, figures = self._by_tool(case)
        else:
            mask, figures = data, {"from": "voxels with data"}
            if warnings := _missing_data(case, data):
                figures["warnings"] = warnings
        if data is not None and case.stripped is None:
            figures["warnings"] = [_assumption(data), *figures.get("warnings", [])]
        return mask, figures

    def _by_tool(self, case: CaseVolumes) -> tuple[Mask, Figures]:
        """The mask of a whole head."""
        name = "t1" if "t1" in case.images else next(iter(case.images))
        image = case.images[name]
        found = extract_brain(image, self.stripper, case.case_id)
        figures: Figures = {"from": found.tool, "image": name}
        if found.agreement is not None:
            figures["agreement"] = found.agreement
        if self.flip_check:
            figures["flip_dice"] = round(flip_dice(image, found, self.stripper, case.case_id), 4)
        if figures.get("agreement", 1) < AGREEMENT or figures.get("flip_dice", 1) < FLIP_DICE:
            figures["warnings"] = [f"{found.tool} is uncertain about the brain in {name}: check its mask"]
        return within_data(found.brain, image), figures

    def _nonfinite_warnings(self, case: CaseVolumes) -> list[str]:
        """Warnings for NaN and Inf that become 0 anywhere in the image."""
        bad = {name: int((~np.isfinite(image.array)).sum()) for name, image in case.images.items()}
        warnings = [f"{count} NaN or Inf voxels of {name} set to 0" for name, count in bad.items() if count]
        return warnings if self.nonfinite == "zero" else []

    def _finite(self, case: CaseVolumes, name: str, mask: Mask) -> Image:
        """The image without NaN and Inf; inside the brain they are an error unless `nonfinite` is "zero"."""
        image = case.images[name]
        finite = np.isfinite(image.array)
        if finite.all():
            return image
        if self.nonfinite == "zero":
            return replace(image, array=np.where(finite, image.array, np.float32(0)))
        inside = on_grid(mask, image.grid) >= 0.5
        return replace(image, array=zero_nonfinite(image.array, inside, f"{case.case_id}, {name}"))


def brain_from_data(case: CaseVolumes) -> Mask:
    """The non-zero voxels of all modalities on the grid of the first: largest component, holes filled in 3-D."""
    first = next(iter(case.images.values()))
    filled = first.array != 0
    for image in list(case.images.values())[1:]:
        filled &= on_grid(Volume(image.array != 0, image.affine), first.grid) >= 0.5
    return Volume(filled_largest_component(filled), first.affine)


def _missing_data(case: CaseVolumes, data: Mask) -> list[str]:
    """A warning where the images have few voxels with data in common: the brain is cut to these.

    Raises DataError where there is none (UB331).
    """
    name, first = next(iter(case.images.items()))
    others = " and ".join(one for one in case.images if one != name)
    if not data.array.any():
        hint = "check the origins of the headers; register or resample the images to each other"
        raise case.error(f"{name} and {others} have no voxel with data in common", hint, "UB331")
    if data.array.sum() >= ENOUGH * (first.array != 0).sum():  # filling holes takes long
        return []
    share = float(data.array.sum()) / float(filled_largest_component(first.array != 0).sum())
    return [f"only {share:.0%} of the brain in {name} has data in {others} too"] if share < ENOUGH else []


def within_data(mask: Mask, image: Image) -> Mask:
    """A tool's mask without the zeros around the head, into which it extends where a rim of skull was left.

    Largest component, holes filled: zeros inside the brain remain brain.
    """
    return Volume(filled_largest_component(mask.array & (image.array != 0)), mask.affine)


def looks_stripped(data: Mask) -> bool:
    """Whether the voxels with data, holes filled, have the volume of a brain and leave a background of zeros."""
    ml = float(data.array.sum()) * data.grid.voxel_ml
    return ml <= LARGEST_ML and float(data.array.mean()) <= MOST


def _assumption(data: Mask) -> str:
    """The warning for a scan of which it is not declared whether it is stripped."""
    ml = float(data.array.sum()) * data.grid.voxel_ml
    assumed = "stripped" if looks_stripped(data) else "a whole head"
    return (
        f"assumed to be {assumed} by its {ml:.0f} ml of data: declare `stripped` true or false in the dataset, or "
        "add --stripped or --whole-head to predict"
    )


def _lesions_outside(case: CaseVolumes, mask: Mask) -> Figures:
    """The number of lesion voxels outside the mask: they remain lesion, and count as missed for every method."""
    if case.lesion_mask is None:
        return {}
    lesions = case.lesion_mask
    count = int((lesions.array & (on_grid(mask, lesions.grid) < 0.5)).sum())
    if count:
        total = int(lesions.array.sum())
        log.warning("%s: %d of %d lesion voxels lie outside the brain mask", case.case_id, count, total)
    return {"lesion_voxels_outside_brain": count}


def _large_lesions(case: CaseVolumes, mask: Mask) -> list[str]:
    """A warning for lesions that fill more than half of the brain, which are an error of `data check`."""
    if case.lesion_mask is None:
        return []
    lesions, brain = (float(one.array.sum()) * one.grid.voxel_ml for one in (case.lesion_mask, mask))
    what = f"the lesions have {lesions:.0f} ml, the brain {brain:.0f} ml: is the lesion mask a brain mask?"
    return [what] if lesions > MOST_LESION * brain else []


def _check_size(case: CaseVolumes, mask: Mask) -> tuple[Figures, list[str]]:
    """The size of the mask for the record, and warnings. Raises DataError where it cannot be a brain (UB331)."""
    voxels = int(mask.array.sum())
    share, ml = voxels / mask.array.size, voxels * mask.grid.voxel_ml
    if not LEAST <= share <= MOST:
        hint = "skull-strip the image, or provide its brain mask"
        raise case.error(f"the brain mask fills {share:.1%} of the box", hint, "UB331")
    doubts = []
    if not PLAUSIBLE_ML[0] <= ml <= PLAUSIBLE_ML[1]:
        why = "is part of it missing?" if ml < PLAUSIBLE_ML[0] else "is the skull still on, or an axis wrong?"
        doubts = [f"the brain mask has {ml:.0f} ml, a whole adult brain 900 to 1900: {why}"]
    return {"voxels": voxels, "share_of_box": round(share, 4), "ml": round(ml, 1)}, doubts
