"""The grids of version 5."""

import numpy as np
import pytest

from uad_datasets.phantom.grid import COARSE_SHAPE, affine, coarse_field, coarse_positions, rng_for, to_fine
from uad_datasets.phantom.v5.lattice import Lattice


def test_2_mm_is_the_grid_of_version_4():
    np.testing.assert_array_equal(Lattice(2).affine(), affine())
    field = coarse_field(rng_for(0, "field"), 12.0)
    np.testing.assert_allclose(Lattice(2).fine(field), to_fine(field), atol=1e-6)


def test_eight_voxels_of_1_mm_divide_one_of_2_mm():
    corner = Lattice(1).affine() @ [-0.5, -0.5, -0.5, 1]
    np.testing.assert_allclose(corner, Lattice(2).affine() @ [-0.5, -0.5, -0.5, 1])


@pytest.mark.parametrize("spacing", [1, 2])
def test_fields_are_interpolated_at_the_positions_of_voxels(spacing):
    lattice = Lattice(spacing)
    inner = np.flatnonzero(np.pad(np.ones([n - 2 for n in lattice.shape], dtype=bool), 1))[::1000]
    for axis in range(3):
        found = lattice.fine(coarse_positions()[axis]).ravel()[inner]
        np.testing.assert_allclose(found, lattice.positions(inner)[axis], atol=1e-4)
    assert lattice.fine(np.ones(COARSE_SHAPE, dtype=np.float32)).shape == lattice.shape
