"""Rows without an idea: what noise gets, and what calling the whole brain anomalous gets."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from uad_bench import Context, Method, Scan
from uad_bench.types import FloatArray


@dataclass
class Random(Method):
    """Independent uniform noise in [0, 1): its average precision is the prevalence, its AUROC one half."""

    null: ClassVar[bool] = True

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Noise (X, Y, Z) that depends on the seed and the case alone."""
        return ctx.rng(scan.case_id).random(scan.shape, dtype=np.float32)


@dataclass
class AllBrain(Method):
    """1 in every voxel of the brain: its Dice, 2p / (1 + p) at prevalence p, is what a threshold gets free."""

    null: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """The brain mask as a map (X, Y, Z)."""
        return scan.brain_mask.astype(np.float32)
