"""Distances on a grid have the bits of a k-d tree; voxel sizes for which they cannot are refused."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from uad_bench.evaluate.grid.distance import GridDistances

SHAPES = [(9, 8, 7), (1, 6, 9), (6, 1, 9), (7, 9, 1), (1, 1, 1), (12, 3, 20)]


@pytest.mark.parametrize(
    "spacing", [(1.0, 1.0, 1.0), (2.0, 2.0, 2.0), (1.5, 0.75, 4.0), (0.00390625, 1.0, 3.0)]
)
def test_the_bits_are_those_of_a_tree(spacing):
    rng = np.random.default_rng(3)
    for shape in SHAPES:
        region = rng.random(shape) < rng.choice([0.1, 0.7])
        region.ravel()[rng.integers(region.size)] = True
        points = np.argwhere(rng.random(shape) < rng.choice([0.02, 0.4]))
        points = points if points.size else np.zeros((1, 3), np.int64)
        queries = np.argwhere(region)
        found = GridDistances.of(points, region, spacing)
        expected = cKDTree(points * np.array(spacing)).query(queries * np.array(spacing))[0]
        assert found is not None
        assert found.to(queries).tolist() == expected.tolist()


@pytest.mark.parametrize(
    "spacing", [(0.1, 1.0, 1.0), (1 / 512, 1.0, 1.0), (1.0, 1.0, 40000.0), (0.9375, 0.9, 1.2)]
)
def test_voxel_sizes_that_would_be_rounded_or_overflow_are_refused(spacing):
    assert GridDistances.of(np.zeros((1, 3), np.int64), np.ones((3, 3, 3), bool), spacing) is None
