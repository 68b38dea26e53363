"""Grids, random numbers and fields."""

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from uad_datasets.phantom.grid import COARSE_SHAPE, SHAPE, coarse_field, rng_for, sample, to_fine


def test_rng_depends_on_seed_and_case_only():
    first, again, seed, case = (rng_for(s, c).random() for s, c in ((0, "a"), (0, "a"), (1, "a"), (0, "b")))
    assert first == again
    assert len({first, seed, case}) == 3


def test_to_fine_is_linear_interpolation():
    field = coarse_field(rng_for(0, "field"), 12.0)
    axes = [np.arange(n, dtype=float) for n in COARSE_SHAPE]
    points = np.moveaxis(np.indices(SHAPE), 0, -1) / 2
    np.testing.assert_allclose(to_fine(field), RegularGridInterpolator(axes, field)(points), atol=1e-5)


def test_sample_takes_positions_in_mm():
    ramp = np.broadcast_to(np.arange(5, dtype=np.float32)[:, None, None], (5, 5, 5))
    positions = np.full((3, 1), 6.0, dtype=np.float32)
    assert sample(ramp, positions, spacing=4.0) == 1.5
