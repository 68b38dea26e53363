import nibabel as nib
import numpy as np
import pytest
from nibabel.processing import resample_from_to

from uad_bench.data.volumes import Grid
from uad_bench.prepare.grid import same_grid, sample


def grid(shape: tuple[int, int, int], spacing: float, origin: float = 0.0) -> Grid:
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = origin
    return Grid(shape, affine)


def tilted(degrees: float, spacing: tuple[float, float, float]) -> np.ndarray:
    turn = np.radians(degrees)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    return affine @ np.diag([*spacing, 1.0])


def test_the_same_grid_gives_the_same_values():
    array = np.random.default_rng(0).random((8, 9, 10), dtype=np.float32)
    np.testing.assert_allclose(sample(array, grid((8, 9, 10), 1), grid((8, 9, 10), 1)), array, atol=1e-6)


def test_aligned_halving_is_the_mean_of_eight():
    array = np.random.default_rng(0).random((8, 10, 12), dtype=np.float32)
    coarse = sample(array, grid((8, 10, 12), 1), grid((4, 5, 6), 2, origin=0.5))
    expected = array.reshape(4, 2, 5, 2, 6, 2).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(coarse, expected, atol=1e-6)


def test_without_averaging_it_is_trilinear_interpolation():
    array = np.random.default_rng(0).random((12, 13, 14), dtype=np.float32)
    source = Grid((12, 13, 14), tilted(20, (1.0, 1.1, 1.2)))
    target = grid((9, 9, 9), 1.05, origin=1.3)
    oracle = resample_from_to(nib.Nifti1Image(array, source.affine), (target.shape, target.affine), order=1)
    inside = resample_from_to(
        nib.Nifti1Image(np.ones_like(array), source.affine), (target.shape, target.affine), order=0
    )
    part = np.asarray(inside.dataobj) > 0
    np.testing.assert_allclose(sample(array, source, target)[part], oracle.get_fdata()[part], atol=1e-4)


def test_a_linear_field_keeps_its_world_values_through_tilt_and_scale():
    source = Grid((40, 44, 36), tilted(15, (0.9, 0.8, 1.25)))
    places = np.moveaxis(np.indices(source.shape), 0, -1) @ source.affine[:3, :3].T
    field = (places @ [1.0, 2.0, -3.0]).astype(np.float32)
    target = grid((4, 4, 4), 2, origin=14)
    there = np.moveaxis(np.indices(target.shape), 0, -1) * 2.0 + 14
    np.testing.assert_allclose(sample(field, source, target), there @ [1.0, 2.0, -3.0], atol=1e-3)


def test_stripes_finer_than_the_grid_average_out_instead_of_aliasing():
    stripes = np.broadcast_to(np.arange(64) % 2, (16, 16, 64)).astype(np.float32)
    coarse = sample(stripes, grid((16, 16, 64), 1), grid((4, 4, 14), 4, origin=2.0))
    assert np.ptp(coarse[1:-1, 1:-1, 1:-1]) < 1e-6
    assert coarse[2, 2, 5] == pytest.approx(0.5)


def test_outside_the_field_of_view_is_zero():
    array = np.ones((6, 6, 6), np.float32)
    away = sample(array, grid((6, 6, 6), 1), grid((5, 5, 5), 1, origin=50))
    assert away.shape == (5, 5, 5)
    assert not away.any()
    assert not sample(np.zeros_like(array), grid((6, 6, 6), 1), grid((5, 5, 5), 1)).any()
    assert sample(array, grid((6, 6, 6), 1), grid((5, 5, 5), 1, origin=3)).sum() == pytest.approx(27)


def test_a_speck_is_found_wherever_it_lies():
    source, target = Grid((30, 30, 30), tilted(30, (1, 1, 1))), grid((40, 40, 40), 2, origin=-40)
    for place in np.random.default_rng(0).integers(0, 30, (20, 3)):
        speck = np.zeros((30, 30, 30), np.float32)
        speck[tuple(place)] = 8
        share = sample(speck, source, target)
        middle = np.array(np.nonzero(share)).T * 2 - 40
        weights = share[share > 0]
        # The mean over 2 x 2 x 2 points is no perfect integral once the axes are tilted.
        assert weights.sum() == pytest.approx(1, abs=0.35)
        world = source.affine[:3, :3] @ place
        np.testing.assert_allclose(weights @ middle / weights.sum(), world, atol=0.9)


def test_same_grid_forgives_the_precision_of_a_header_only():
    assert same_grid(grid((9, 9, 9), 1), grid((9, 9, 9), 1, origin=1e-4))
    assert not same_grid(grid((9, 9, 9), 1), grid((9, 9, 9), 1, origin=1e-2))
