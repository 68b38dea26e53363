"""Step `register`: the case is moved to an atlas by its affines; no voxel is touched."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from uad_bench.data.checks import log
from uad_bench.data.volumes import Kind, Volume
from uad_bench.errors import IntegrityError, unknown_name
from uad_bench.prepare.affine_fit import AffineFit, Fit, rigid_part
from uad_bench.prepare.atlas import Atlas, atlas_sha256, load_atlas
from uad_bench.prepare.grid import on_grid
from uad_bench.prepare.pose import Brain, isotropic_brain
from uad_bench.prepare.quality import Judge, Quality
from uad_bench.prepare.working import Step, Working
from uad_bench.types import Affine


class Register(Step):
    """One image of the case, brain only, is fitted to an atlas, and all volumes are moved with it.

    The affines of images and masks change, and `to_atlas` with them; voxels are sampled once, by a later step.
    atlas: a name for `load_atlas`; sha256: that of its file, empty for any; transform: "affine", or "rigid", the
    rotation and shift within the affine fit; contrast: the modality that is fitted, empty for the first; the
    others follow by their headers.

    A fit that is judged wrong raises DataError (UB336), or is told in a warning where `strict` is false. A case
    whose left and right are exchanged fits as well as it should: only its header guards the side. Raises
    IntegrityError for another atlas file than `sha256` (UB503), UsageError for a contrast that the case does
    not have (UB201), and what `load_atlas` raises.
    """

    step: Literal["register"] = "register"
    atlas: str = "mni152"
    sha256: str = ""
    transform: Literal["affine", "rigid"] = "affine"
    contrast: str = ""
    strict: bool = True

    def apply(self, working: Working) -> Working:
        """The case in the world of the atlas."""
        tools = _tools(self._atlas())
        contrast = self._contrast(working)
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
