"""Uninformative controls: uniform noise, and the brain mask."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from uad_bench import Context, Method, Resources, Scan
from uad_bench.types import FloatArray


@dataclass
class Random(Method):
    """Uninformative control: independent uniform noise in [0, 1).

    Its average precision is the prevalence of lesion voxels, its AUROC 0.5.
    """

    null: ClassVar[bool] = True
    resources: ClassVar[Resources] = Resources(gpu=False, hours=1)

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Noise (X, Y, Z) that depends only on the run's seed and the case."""
        return ctx.rng(scan.case_id).random(scan.shape, dtype=np.float32)


@dataclass
class AllBrain(Method):
    """Uninformative control: 1 in every brain voxel.

    Its Dice, 2p / (1 + p) at prevalence p, is reached by any map with a threshold below all scores.
    """

    null: ClassVar[bool] = True
    resources: ClassVar[Resources] = Resources(gpu=False, hours=1)
    deterministic: ClassVar[bool] = True

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Brain mask as float32 (X, Y, Z)."""
        return scan.brain_mask.astype(np.float32)
