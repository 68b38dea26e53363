"""Small scored cases."""

import numpy as np
import pytest

from uad_bench.types import Scored


@pytest.fixture
def scored():
    """A maker of cases on a 6 x 6 x 6 grid: scores about `shift`, higher where there is lesion."""

    def make(case_id, *, healthy=False, kind="", lesion_voxels=20, shift=0.0, brain=True):
        rng = np.random.default_rng(int.from_bytes(case_id.encode(), "little"))
        brain_mask, lesion = np.zeros((6, 6, 6), bool), np.zeros(216, bool)
        brain_mask[1:, 1:, 1:] = brain
        lesion[rng.permutation(216)[: 0 if healthy else lesion_voxels]] = True
        lesion = lesion.reshape(6, 6, 6)
        scores = (rng.normal(size=(6, 6, 6)) + lesion + shift).astype(np.float32)
        return Scored(case_id, scores, brain_mask, lesion, (1.0, 1.0, 1.0), healthy, kind)

    return make
