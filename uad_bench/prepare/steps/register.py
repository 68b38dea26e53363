"""Step `register`: the case is moved to an atlas by its affines; no voxel is touched."""

import logging
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from uad_bench.data.nifti.read import Kind, Volume
from uad_bench.errors import DataError, IntegrityError, unknown_name
from uad_bench.prepare.registration.affine import AffineFit, Fit, rigid_part
from uad_bench.prepare.registration.atlas import Atlas, atlas_sha256, load_atlas
from uad_bench.prepare.registration.initial_poses import Brain, isotropic_brain
from uad_bench.prepare.registration.quality import Judge, Quality
from uad_bench.prepare.resampling.grid import on_grid
from uad_bench.prepare.step import Step, Working
from uad_bench.types import Affine

log = logging.getLogger(__name__)

# Standard deviation along the shortest axis, mm; a whole brain has 23 and more, a slab of 20 mm has 6.
LEAST_SPREAD = 6.0


class Register(Step):
    """One image of the case, brain only, is fitted to an atlas, and all volumes are moved with it.

    The affines of images and masks change, and `to_atlas` with them; voxels are sampled once, by a later step.
    atlas: a name for `load_atlas`; sha256: that of its file, empty for any; transform: "affine", or "rigid", the
    rotation and shift within the affine fit; contrast: the modality that is fitted, empty for the first; the
    others follow by their headers.

    The figures judge the affine fit in either case. A fit that is judged wrong raises DataError (UB336), or is
    told in a warning where `strict` is false. A case whose left and right are exchanged fits as well as it
    should: only its header guards the side. Raises IntegrityError for another atlas file than `sha256` (UB503),
    UsageError for a contrast that the case does not have (UB201), and what `load_atlas` raises.
    """

    step: Literal["register"] = "register"
    atlas: str = "mni152"
    sha256: str = ""
    transform: Literal["affine", "rigid"] = "affine"
    contrast: str = ""
    strict: bool = True

    def apply(self, working: Working) -> Working:
        """The case in the world of the atlas."""
        contrast = self._contrast(working)
        tools = _tools(self._atlas())
        brain = _brain(working, contrast)
        fit = _fitted(tools, brain, working)
        views = {name: image.grid for name, image in working.images.items()}
        quality = tools.judge(brain, fit.pose, views, contrast)
        self._settle(working, quality)
        pose = fit.pose if self.transform == "affine" else rigid_part(fit.pose, tools.judge.centre)
        # What is recorded is what was done, to the last digit.
        matrix = np.round(np.linalg.inv(pose), 6)
        figures = {"contrast": contrast, "start": fit.start, "matrix": matrix.tolist(), **quality.figures}
        return moved(working, matrix, figures | _told(quality))

    def _atlas(self) -> Atlas:
        """The atlas, once its file is known to be the one that is meant."""
        if self.sha256 and atlas_sha256(self.atlas) != self.sha256:
            hint = "get the file that the protocol was made with, or correct its sha256"
            raise IntegrityError("another atlas file", where=f"atlas {self.atlas}", hint=hint, code="UB503")
        return load_atlas(self.atlas)

    def _contrast(self, working: Working) -> str:
        if self.contrast and self.contrast not in working.images:
            raise unknown_name("contrast to register", self.contrast, working.images)
        return self.contrast or next(iter(working.images))

    def _settle(self, working: Working, quality: Quality) -> None:
        """Go on, go on with a warning, or stop."""
        if quality.verdict == "fail" and self.strict:
            what = f"cannot be registered to {self.atlas}: {'; '.join(quality.doubts)}"
            hint = "look at its brain mask and header, leave it out, or set strict: false"
            raise working.fault(what, hint, "UB336")
        for doubt in quality.doubts:
            log.warning("%s: registration: %s", working.case_id, doubt)


@dataclass(frozen=True)
class Tools:
    """What is made of an atlas once for all its cases."""

    fit: AffineFit
    judge: Judge


@lru_cache(maxsize=2)
def _tools(atlas: Atlas) -> Tools:
    brain = isotropic_brain(atlas.brain, atlas.mask)
    return Tools(AffineFit(brain), Judge(brain, atlas.mask.grid))


def _brain(working: Working, contrast: str) -> Brain:
    """The brain in one image. Raises DataError where its field of view holds none, or a slab of it (UB336)."""
    image = working.images[contrast]
    mask = on_grid(working.brain(), image.grid) >= 0.5
    try:
        brain = isotropic_brain(image, Volume(mask, image.affine))
        if not min(brain.shape.spread) >= LEAST_SPREAD:
            raise ValueError("it shows a thin slab of the brain")
    except ValueError as error:
        raise _unfit(working, f"{contrast}: {error}") from None
    return brain


def _fitted(tools: Tools, brain: Brain, working: Working) -> Fit:
    try:
        return tools.fit(brain)
    except RuntimeError as error:  # SimpleITK's only kind
        raise _unfit(working, str(error).strip().splitlines()[-1]) from None


def _unfit(working: Working, reason: str) -> DataError:
    what = f"cannot be registered: {reason}"
    return working.fault(what, "look at its brain mask and header, or leave it out", "UB336")


def _told(quality: Quality) -> dict[str, Any]:
    doubts = [f"registration: {doubt}" for doubt in quality.doubts]
    return {"verdict": quality.verdict} | ({"warnings": doubts} if doubts else {})


def moved(working: Working, matrix: Affine, figures: dict[str, Any]) -> Working:
    """The case with every affine led on by a world-to-world matrix (4, 4)."""

    def move(volume: Volume[Kind]) -> Volume[Kind]:
        return replace(volume, affine=matrix @ volume.affine)

    return working.everywhere(move, move, to_atlas=matrix @ working.to_atlas, figures=figures)
