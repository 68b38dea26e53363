"""Simplex noise against a scalar implementation and the statistics of the papers' package."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from uad_methods.parts.training.simplex import SCALES, simplex_fields, simplex_noise, simplex_volume_fields

STEPS = product((-1, 0, 1), repeat=3)
EDGES = sorted(step for step in STEPS if step.count(0) == 1)
#: Correlation at a distance in pixels, of opensimplex 0.4.5.1: one octave of 64 pixels, 1500 lines.
PACKAGE = {
    2: {4: 0.987, 8: 0.954, 16: 0.829, 32: 0.442, 48: 0.072},
    3: {4: 0.989, 8: 0.959, 16: 0.850, 32: 0.509, 48: 0.174},
}


def rng(seed=0):
    return np.random.default_rng(seed)


def scalar_2d(x, y, table):
    """Scalar 2D noise: the triangle of the cell that contains the point, and its three corners."""
    skew, unskew = (math.sqrt(3) - 1) / 2, (3 - math.sqrt(3)) / 6
    i, j = math.floor(x + (x + y) * skew), math.floor(y + (x + y) * skew)
    x0, y0 = x - i + (i + j) * unskew, y - j + (i + j) * unskew
    middle = (1, 0) if x0 >= y0 else (0, 1)
    total = 0.0
    for number, (a, b) in enumerate([(0, 0), middle, (1, 1)]):
        dx, dy = x0 - a + number * unskew, y0 - b + number * unskew
        angle = table[(table[(i + a) % 256] + j + b) % 256] % 16 * math.tau / 16
        weight = max(0.0, 0.5 - dx * dx - dy * dy) ** 4
        total += weight * (dx * math.cos(angle) + dy * math.sin(angle))
    return total * SCALES[2]


def scalar_3d(point, table):
    """Scalar 3D noise: the tetrahedron that the order of the coordinates selects, corner by corner."""
    cell = [math.floor(p + sum(point) / 3) for p in point]
    part = [p - c + sum(cell) / 6 for p, c in zip(point, cell, strict=True)]
    order = sorted(range(3), key=lambda axis: -part[axis])
    step, total = [0, 0, 0], 0.0
    for number in range(4):
        d = [part[k] - step[k] + number / 6 for k in range(3)]
        found = 0
        for k in range(3):
            found = table[(found + cell[k] + step[k]) % 256]
        gradient = [g / math.sqrt(2) for g in EDGES[found % 12]]
        weight = max(0.0, 0.5 - sum(v * v for v in d)) ** 4
        total += weight * sum(g * v for g, v in zip(gradient, d, strict=True))
        if number < 3:
            step[order[number]] = 1
    return total * SCALES[3]


@pytest.mark.parametrize("axes", [2, 3])
def test_noise_equals_a_scalar_implementation(axes):
    tables = np.stack([rng(i).permutation(256) for i in range(3)])
    points = [rng(10 + i).uniform(-40, 40, (3, 5, 7)).astype(np.float32) for i in range(axes)]
    found = simplex_noise([torch.from_numpy(p) for p in points], torch.from_numpy(tables))
    for k, x, y in np.ndindex(3, 5, 7):
        at = [float(p[k, x, y]) for p in points]
        table = tables[k].tolist()
        expected = scalar_2d(*at, table) if axes == 2 else scalar_3d(at, table)
        assert float(found[k, x, y]) == pytest.approx(expected, abs=2e-4)


def test_octaves_halve_the_wavelength_and_decrease_in_amplitude():
    one = {"octaves": 1}
    assert torch.equal(
        simplex_fields(2, (6, 7), rng(), "cpu", wavelength=8, persistence=0.5, **one),
        simplex_fields(2, (6, 7), rng(), "cpu", wavelength=8, persistence=0.9, **one),
    )
    tables = rng().permuted(np.tile(np.arange(256), (2, 1)), axis=1)
    both = simplex_fields(1, (4, 5), rng(), "cpu", octaves=2, wavelength=8, persistence=0.5)[0]
    source = rng()
    source.permuted(np.tile(np.arange(256), (2, 1)), axis=1)
    starts = 256 * source.random((2, 2))
    for x, y in np.ndindex(4, 5):
        octave = [
            scalar_2d(x / w + s[0], y / w + s[1], t.tolist())
            for w, s, t in zip((16, 8), starts, tables, strict=True)
        ]
        assert float(both[x, y]) == pytest.approx(octave[0] + octave[1] / 2, abs=2e-4)


def flat_fields(count):
    return simplex_fields(count, (96, 96), rng(), "cpu")


def planes(count):
    return simplex_volume_fields(count, (96, 96), 499.0, rng(1), "cpu")


@pytest.mark.parametrize(("made", "deviation", "reach"), [(flat_fields, 0.59, 2.4), (planes, 0.506, 2.6)])
def test_deviation_and_range_are_the_published_ones(made, deviation, reach):
    """opensimplex 0.4.5.1 has 0.367 per octave in 2D, 0.315 in 3D; six octaves have 1.608 times that."""
    fields = made(120).double()
    assert fields.shape == (120, 96, 96)
    assert float(fields.std()) == pytest.approx(deviation, abs=0.03)
    assert abs(float(fields.mean())) < 0.06
    assert 1.5 < float(fields.max()) < reach and 1.5 < -float(fields.min()) < reach
    assert 0.08 < float(fields.mean(dim=(1, 2)).std()) < 0.25  # a single field is not centred


@pytest.mark.parametrize("axes", [2, 3])
def test_correlations_are_those_of_the_papers_package(axes):
    if axes == 2:
        fields = simplex_fields(4000, (96, 2), rng(4), "cpu", octaves=1)
    else:
        fields = simplex_volume_fields(4000, (96, 2), 0.0, rng(4), "cpu", octaves=1)
    power = float(fields.square().mean())
    assert math.sqrt(power) == pytest.approx({2: 0.367, 3: 0.315}[axes], rel=0.04)
    for lag, wanted in PACKAGE[axes].items():
        found = float((fields[:, lag:] * fields[:, :-lag]).mean()) / power
        assert found == pytest.approx(wanted, abs=0.04)


def test_box_means_are_those_of_the_papers_package():
    """Standard deviations of box means; the package with its own table and origin for each octave."""
    fields = flat_fields(200)
    for side, wanted in {8: 0.527, 16: 0.474, 32: 0.387}.items():
        boxes = torch.nn.functional.avg_pool2d(fields[:, None], side)
        assert float(boxes.std()) == pytest.approx(wanted, rel=0.05)


def test_no_pixel_is_always_zero():
    corner = simplex_fields(400, (1, 1), rng(2), "cpu").std()
    assert float(corner) == pytest.approx(0.59, abs=0.06)


def test_the_spectrum_falls():
    fields = simplex_fields(40, (128, 128), rng(), "cpu").numpy()
    power = (np.abs(np.fft.fft2(fields)) ** 2).mean(axis=0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    edges = [1 / 128, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2]
    rings = [power[(frequency >= a) & (frequency < b)].mean() for a, b in pairwise(edges)]
    assert all(a > 2 * b for a, b in pairwise(rings))


@pytest.mark.parametrize("axes", [2, 3])
def test_noise_is_continuous(axes):
    """Along a line across many cells the largest difference is proportional to the step."""
    table = torch.from_numpy(rng().permutation(256))[None]

    def largest(count):
        along = torch.linspace(0, 6, count)[None, :, None]
        return float(
            simplex_noise([along * k for k in (1.0, 0.37, 0.83)[:axes]], table).diff(dim=1).abs().max()
        )

    coarse, fine = largest(2001), largest(16001)
    assert coarse < 0.02 and fine == pytest.approx(coarse / 8, rel=0.1)


def test_close_timesteps_give_similar_planes():
    at = {t: simplex_volume_fields(3, (40, 50), t, rng(), "cpu") for t in (100.0, 100.05, 300.0)}
    assert float((at[100.0] - at[100.05]).abs().mean()) < 0.05 < float((at[100.0] - at[300.0]).abs().mean())


def test_fields_are_independent_of_each_other():
    flat = simplex_fields(100, (32, 32), rng(), "cpu", wavelength=16).flatten(1)
    pairs = torch.corrcoef(flat)[np.triu_indices(100, 1)]
    assert abs(float(pairs.mean())) < 0.02 and float(pairs.abs().max()) < 0.9


def test_the_same_generator_gives_the_same_bits():
    a, b, c = (simplex_fields(4, (20, 30), rng(seed), "cpu") for seed in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert a.dtype == torch.float32
