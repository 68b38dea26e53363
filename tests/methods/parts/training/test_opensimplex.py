"""OpenSimplex noise against a scalar sum over all lattice points, its octaves, and repeatability."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from uad_methods.parts.training.opensimplex import GRADIENTS, open_simplex, published_fields

SQUISH = (math.sqrt(3) - 1) / 2


def rng(seed=0):
    return np.random.default_rng(seed)


def scalar(x, y, table):
    """The sum of the contributions of every lattice point near (x, y)."""
    along = (x + y) * (1 / math.sqrt(3) - 1) / 2
    total = 0.0
    for a, b in product(range(-4, 5), repeat=2):
        i, j = round(x + along) + a, round(y + along) + b
        dx, dy = x - i - (i + j) * SQUISH, y - j - (i + j) * SQUISH
        weight = max(0.0, 2 - dx * dx - dy * dy) ** 4
        gx, gy = GRADIENTS[(table[(table[i % 256] + j) % 256] & 14) // 2]
        total += weight * (gx * dx + gy * dy)
    return total / 47


def test_noise_equals_the_sum_over_all_lattice_points():
    tables = np.stack([rng(i).permutation(256) for i in range(3)])
    x, y = (torch.from_numpy(rng(10 + i).uniform(-40, 40, (5, 7)).astype(np.float32)) for i in range(2))
    found = open_simplex(x, y, torch.from_numpy(tables), torch.tensor(GRADIENTS))
    for k, i, j in np.ndindex(3, 5, 7):
        assert float(found[k, i, j]) == pytest.approx(
            scalar(float(x[i, j]), float(y[i, j]), tables[k]), abs=2e-4
        )


def test_octaves_share_table_and_origin_and_halve_the_wavelength():
    field = published_fields(1, (4, 5), rng(), "cpu", octaves=2, wavelength=8, persistence=0.5)[0]
    table = rng().permuted(np.tile(np.arange(256), (1, 1)), axis=1)[0]
    for i, j in np.ndindex(4, 5):
        expected = scalar(i / 8, j / 8, table) + scalar(i / 4, j / 4, table) / 2
        assert float(field[i, j]) == pytest.approx(expected, abs=2e-5)


def test_lattice_points_are_as_far_apart_as_a_gradient_reaches():
    one, other = (1 + SQUISH, SQUISH), (SQUISH, 1 + SQUISH)
    assert math.hypot(*one) == pytest.approx(math.sqrt(2))
    assert one[0] * other[0] + one[1] * other[1] == pytest.approx(2 * math.cos(math.pi / 3))


def test_noise_is_continuous():
    table = torch.from_numpy(rng().permutation(256))[None]

    def largest(count):
        along = torch.linspace(0, 6, count)
        field = open_simplex(along, 0.37 * along, table, torch.tensor(GRADIENTS))
        return float(field.diff(dim=1).abs().max())

    coarse, fine = largest(2001), largest(16001)
    assert coarse < 0.02 and fine == pytest.approx(coarse / 8, rel=0.1)


def test_the_same_generator_gives_the_same_bits():
    a, b, c = (published_fields(4, (20, 30), rng(seed), "cpu") for seed in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert (a.dtype, a.shape) == (torch.float32, (4, 20, 30))
