"""Step `register`: a case is registered to an atlas by its affines; no voxel is interpolated."""

import logging
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from uad_bench.data.nifti.read import Kind, Volume
from uad_bench.errors import DataError, IntegrityError, unknown_name
from uad_bench.prepare.registration.affine import AffineRegistration, Fit, rigid_part
from uad_bench.prepare.registration.atlas import Atlas, atlas_sha256, load_atlas
from uad_bench.prepare.registration.initial_poses import Brain, isotropic_brain
from uad_bench.prepare.registration.quality import Quality, QualityCheck
from uad_bench.prepare.resampling.grid import on_grid
from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.types import Affine

log = logging.getLogger(__name__)

#: Standard deviation of the brain along its shortest axis, mm: 23 and more in a whole brain, 6 in a slab of 20 mm.
LEAST_SPREAD = 6.0


class Register(Step):
    """Registers the brain of one image to an atlas by an affine transform, and moves all volumes of the case with it.

    The affines of images and masks change, and `to_atlas` with them; a later step interpolates the voxels, once. The
    similarity is mutual information, so that atlas and image may have different contrasts. The quality of the affine
    fit is measured for both transforms. A brain with left and right exchanged fits equally well: only the header
    determines the side.

    Parameters
        atlas: "mni152", a name in the folder $UAD_BENCH_ATLASES, or the path of a NIfTI file.
        sha256: SHA-256 (hex) of the atlas's file, "" for any.
        transform: "affine" (12 parameters), or "rigid", the rotation and translation of the affine fit.
        contrast: the modality that is registered, "" for the first; the others follow by their headers.
        strict: True: a fit of insufficient quality is an error; False: a warning.

    Records `contrast`, `start` (name of the initial pose), `matrix` (4, 4; from the world of the files to that of the
    atlas, mm), `verdict` (ok, warn or fail) and the measures of `registration.quality`.

    Raises DataError for a fit of insufficient quality, a slab or no brain (UB336), IntegrityError for an atlas file
    with another SHA-256 (UB503), UsageError for a modality that the case does not have (UB201), and whatever
    `load_atlas` raises.

    Source: Mattes mutual information (Mattes et al., IEEE Trans Med Imaging 22(1), 2003), as in SimpleITK.

    >>> from uad_bench.prepare.example import example_case
    >>> shift = np.eye(4)
    >>> shift[:3, 3] = (0, 10, -5)  # what a registration might find; a fit takes seconds
    >>> after = move_world(example_case(), shift, figures={})
    >>> after.images["t2"].affine[:3, 3].tolist(), after.to_atlas[:3, 3].tolist()
    ([-12.0, -2.0, -17.0], [0.0, 10.0, -5.0])
    """

    step: Literal["register"] = "register"
    atlas: str = "mni152"
    sha256: str = ""
    transform: Literal["affine", "rigid"] = "affine"
    contrast: str = ""
    strict: bool = True

    def apply(self, case: CaseVolumes) -> CaseVolumes:
        """The case in the world coordinates of the atlas."""
        contrast = self._contrast(case)
        tools = _tools(self._atlas())
        brain = _brain(case, contrast)
        fit = _fit(tools, brain, case)
        views = {name: image.grid for name, image in case.images.items()}
        quality = tools.check(brain, fit.pose, views, contrast)
        self._report(case, quality)
        pose = fit.pose if self.transform == "affine" else rigid_part(fit.pose, tools.check.centre)
        # Rounded before it is applied, so that the record has the exact matrix.
        matrix = np.round(np.linalg.inv(pose), 6)
        figures = {"contrast": contrast, "start": fit.start, "matrix": matrix.tolist(), **quality.figures}
        return move_world(case, matrix, figures | _verdict(quality))

    def _atlas(self) -> Atlas:
        """The atlas. Raises IntegrityError where its file has another SHA-256."""
        if self.sha256 and atlas_sha256(self.atlas) != self.sha256:
            hint = "use the file that the protocol was made with, or correct `sha256`"
            raise IntegrityError("another atlas file", where=f"atlas {self.atlas}", hint=hint, code="UB503")
        return load_atlas(self.atlas)

    def _contrast(self, case: CaseVolumes) -> str:
        if self.contrast and self.contrast not in case.images:
            raise unknown_name("contrast to register", self.contrast, case.images)
        return self.contrast or next(iter(case.images))

    def _report(self, case: CaseVolumes, quality: Quality) -> None:
        """Raise the error of a failed fit, or log its warnings."""
        if quality.verdict == "fail" and self.strict:
            what = f"cannot be registered to {self.atlas}: {'; '.join(quality.warnings)}"
            hint = "check its brain mask and header, leave it out, or set strict: false"
            raise case.error(what, hint, "UB336")
        for warning in quality.warnings:
            log.warning("%s: registration: %s", case.case_id, warning)


@dataclass(frozen=True)
class AtlasTools:
    """What is computed from an atlas once for all cases."""

    fit: AffineRegistration
    check: QualityCheck


@lru_cache(maxsize=2)
def _tools(atlas: Atlas) -> AtlasTools:
    brain = isotropic_brain(atlas.brain, atlas.mask)
    return AtlasTools(AffineRegistration(brain), QualityCheck(brain, atlas.mask.grid))


def _brain(case: CaseVolumes, contrast: str) -> Brain:
    """The brain in one image. Raises DataError where its field of view contains none, or a slab of it (UB336)."""
    image = case.images[contrast]
    mask = on_grid(case.brain(), image.grid) >= 0.5
    try:
        brain = isotropic_brain(image, Volume(mask, image.affine))
        if not min(brain.shape.spread) >= LEAST_SPREAD:
            raise ValueError("it shows only a thin slab of the brain")
    except ValueError as error:
        raise _failed(case, f"{contrast}: {error}") from None
    return brain


def _fit(tools: AtlasTools, brain: Brain, case: CaseVolumes) -> Fit:
    try:
        return tools.fit(brain)
    except RuntimeError as error:  # the only exception of SimpleITK
        raise _failed(case, str(error).strip().splitlines()[-1]) from None


def _failed(case: CaseVolumes, reason: str) -> DataError:
    what = f"cannot be registered: {reason}"
    return case.error(what, "check its brain mask and header, or leave it out", "UB336")


def _verdict(quality: Quality) -> dict[str, Any]:
    warnings = [f"registration: {warning}" for warning in quality.warnings]
    return {"verdict": quality.verdict} | ({"warnings": warnings} if warnings else {})


def move_world(case: CaseVolumes, matrix: Affine, figures: dict[str, Any]) -> CaseVolumes:
    """The case with all affines multiplied from the left by a world-to-world matrix (4, 4), mm."""

    def move(volume: Volume[Kind]) -> Volume[Kind]:
        return replace(volume, affine=matrix @ volume.affine)

    return case.transformed(move, move, to_atlas=matrix @ case.to_atlas, figures=figures)
