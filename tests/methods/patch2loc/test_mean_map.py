"""Mean score map of healthy scans."""

import numpy as np

from tests.helpers.patch2loc import TRAIN, VAL, fitted
from uad_bench import Context
from uad_methods.patch2loc.mean_map import mean_score_map


def test_the_mean_score_map_averages_over_brains() -> None:
    values = {one.case_id: float(i) for i, one in enumerate(TRAIN)}
    found = mean_score_map(TRAIN, 2, lambda one: np.full(one.shape, values[one.case_id], np.float32))
    brain = TRAIN[0].brain_mask
    np.testing.assert_allclose(found[brain], 1.5, atol=1e-5)  # the first and the last of 0, 1, 2, 3


def test_subtracting_the_mean_map_lowers_the_spread_of_healthy_scores() -> None:
    with_map, plain = fitted("conv", usual=4), fitted("conv")
    brain = VAL[0].brain_mask
    spread = [one.score(VAL[0], Context())[brain].std() for one in (with_map, plain)]
    assert spread[0] < spread[1]
