import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # as its own documentation does
from nibabel.processing import resample_from_to

from uad_bench.data.nifti.read import Grid
from uad_bench.prepare.resampling.grid import interpolate, same_grid, sample, spline_mean, window


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


def test_a_single_voxel_is_found_at_any_position():
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


def wave(grid: Grid) -> np.ndarray:
    """A wave of the world's coordinates, 12 mm long, between 50 and 150."""
    x, y, z = np.tensordot(grid.affine[:3, :3], np.indices(grid.shape), 1) + grid.affine[:3, 3].reshape(
        3, 1, 1, 1
    )
    return (100 + 50 * np.sin(x / 2) * np.cos(y / 2) * np.sin(z / 3 + 1)).astype(np.float32)


def itk(array: np.ndarray, source: Grid, target: Grid, interpolator: int) -> np.ndarray:
    across = np.linalg.solve(source.affine, target.affine)
    turn = sitk.AffineTransform(3)
    turn.SetMatrix(across[:3, :3].ravel().tolist())
    turn.SetTranslation(across[:3, 3].tolist())
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    there = sitk.Image(*target.shape, sitk.sitkFloat32)
    return sitk.GetArrayFromImage(sitk.Resample(image, there, turn, interpolator, 0.0)).T


SHEARED = Grid(
    (24, 26, 22), np.array([[1.1, 0.2, 0, -3], [-0.1, 0.9, 0.1, 2], [0.1, 0, 1.3, 1], [0, 0, 0, 1]])
)


@pytest.mark.parametrize(
    ("order", "interpolator"), [(0, sitk.sitkNearestNeighbor), (1, sitk.sitkLinear), (3, sitk.sitkBSpline)]
)
def test_interpolation_is_that_of_itk_through_any_affine(order, interpolator):
    array, target = wave(SHEARED), grid((20, 20, 20), 1.2)
    ours, theirs = interpolate(array, SHEARED, target, order), itk(array, SHEARED, target, interpolator)
    assert ((ours != 0) == (theirs != 0)).mean() > 0.999
    both = (ours != 0) & (theirs != 0)
    assert 0.3 < both.mean() < 1
    np.testing.assert_allclose(ours[both], np.clip(theirs[both], array.min(), array.max()), atol=0.02)


def test_splines_follow_a_wave_closer_than_lines_and_never_leave_the_range():
    target = grid((14, 14, 14), 0.9, origin=4)
    error = {
        order: np.abs(interpolate(wave(SHEARED), SHEARED, target, order) - wave(target)).max()
        for order in (1, 3)
    }
    assert error[3] < error[1] / 4
    edge = np.zeros((20, 20, 20), np.float32)
    edge[8:14, 8:14, 8:14] = 1
    fine = Grid((60, 60, 60), np.diag([1 / 3, 1 / 3, 1 / 3, 1]))
    for values in (
        interpolate(edge, grid((20, 20, 20), 1), fine, 3),
        spline_mean(edge, grid((20, 20, 20), 1), fine),
    ):
        assert values.min() >= 0
        assert values.max() == 1


def test_a_spline_averaged_over_voxels_is_the_mean_of_its_points():
    source, target = grid((24, 24, 24), 1), grid((8, 8, 8), 2, origin=4.5)
    points = interpolate(wave(source), source, grid((16, 16, 16), 1, origin=4), 3)
    expected = points.reshape(8, 2, 8, 2, 8, 2).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(spline_mean(wave(source), source, target), expected, atol=1e-3)


def test_the_field_of_view_ends_with_the_outermost_voxels():
    ones, fine = np.ones((4, 4, 4), np.float32), grid((40, 4, 4), 0.25, origin=0)
    for order in (0, 1, 3):
        filled = np.flatnonzero(interpolate(ones, grid((4, 4, 4), 1), fine, order)[:, 0, 0])
        assert filled.tolist() == list(range(15))  # up to 3.5 mm, where the last voxel ends


def test_nan_stays_where_it_was_and_spoils_nothing_else():
    array = wave(SHEARED)
    array[10, 11, 12] = np.nan
    target = Grid((60, 60, 60), SHEARED.affine @ np.diag([0.4, 0.4, 0.4, 1]))
    bad = np.isnan(interpolate(array, SHEARED, target, 3))
    places = np.argwhere(bad) * 0.4
    assert 8 <= len(places) <= 27
    assert np.abs(places - (10, 11, 12)).max() <= 0.5 + 1e-6


def test_masks_stay_masks_and_centres_between_voxels_have_one_target():
    mask = np.zeros((10, 10, 10), bool)
    mask[5] = True
    halved = interpolate(mask, grid((10, 10, 10), 1), grid((5, 5, 5), 2, origin=0.5), 0)
    assert halved.dtype == bool
    assert np.flatnonzero(halved[:, 0, 0]).tolist() == [2]
    mask = np.roll(mask, -1, axis=0)
    assert not interpolate(mask, grid((10, 10, 10), 1), grid((5, 5, 5), 2, origin=0.5), 0).any()


def test_a_window_keeps_every_voxel_at_its_place():
    part = window(SHEARED, (2, -3, 4), (5, 6, 7))
    assert part.shape == (5, 6, 7)
    np.testing.assert_allclose(part.affine @ [1, 2, 3, 1], SHEARED.affine @ [3, -1, 7, 1])
