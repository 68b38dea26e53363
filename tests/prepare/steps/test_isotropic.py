import numpy as np
import pytest

from uad_bench.data.nifti.read import Volume
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.isotropic import Isotropic, with_voxel_ratio

OBLIQUE = np.array([[0.9, 0.1, 0.6, 5], [-0.1, 0.9, 1.2, 6], [0.05, -0.3, 2.6, 7], [0, 0, 0, 1]])


def wave(affine: np.ndarray, shape=(40, 36, 14)) -> Volume:
    """A smooth wave of the world's coordinates, mm."""
    x, y, z = np.tensordot(affine[:3, :3], np.indices(shape), 1) + affine[:3, 3].reshape(3, 1, 1, 1)
    return Volume((100 + 20 * np.sin(x / 6) * np.cos(y / 7) + z).astype(np.float32), affine)


def test_voxels_are_cubes_along_the_own_axes_and_the_world_stays():
    case_volumes = Isotropic().apply(CaseVolumes("c", {"t2": wave(OBLIQUE)}))
    image = case_volumes.images["t2"]
    assert image.grid.spacing == pytest.approx((1, 1, 1))
    np.testing.assert_allclose(
        image.affine[:3, 0] / 1.0, OBLIQUE[:3, 0] / np.linalg.norm(OBLIQUE[:3, 0]), atol=1e-9
    )
    expected = wave(image.affine, image.array.shape).array
    inner = (slice(4, -4), slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(image.array[inner], expected[inner], atol=0.3)


def test_the_box_stays_to_half_a_voxel():
    grid = wave(OBLIQUE).grid
    new = Isotropic(spacing=0.9).grid(grid)
    first, last = np.array([-0.5] * 3 + [1]), np.array([*(np.array(grid.shape) - 0.5), 1])
    np.testing.assert_allclose(new.affine @ first, grid.affine @ first, atol=1e-9)
    end = np.linalg.solve(new.affine, grid.affine @ last)[:3] - (np.array(new.shape) - 0.5)
    assert np.abs(end).max() <= 0.5 + 1e-9


def test_masks_stay_masks_and_keep_their_volume():
    volume = wave(np.diag([0.8, 0.8, 3.0, 1.0]), (60, 60, 20))
    ball = ((np.indices((60, 60, 20)) * np.array([0.8, 0.8, 3]).reshape(3, 1, 1, 1) - 24) ** 2).sum(0) < 18**2
    mask = Volume(ball, volume.affine)
    case_volumes = Isotropic().apply(CaseVolumes("c", {"t2": volume}, mask, mask, mask))
    for moved in (case_volumes.brain_mask, case_volumes.lesion_mask, case_volumes.ignored):
        assert moved.array.dtype == bool
        assert moved.array.sum() == pytest.approx(ball.sum() * 0.8 * 0.8 * 3, rel=0.02)
        assert moved.array.shape == case_volumes.images["t2"].array.shape
    assert case_volumes.lost == 0


def test_splines_stay_within_the_file_and_an_empty_background_stays_empty():
    head = np.zeros((40, 40, 12), np.float32)
    head[10:30, 12:28, 3:9] = np.random.default_rng(0).uniform(50, 100, (20, 16, 6))
    image = Isotropic().apply(CaseVolumes("c", {"t2": Volume(head, np.diag([0.7, 0.7, 4, 1]))})).images["t2"]
    assert image.array.min() >= 0
    assert image.array.max() <= head.max()
    filled = np.argwhere(image.array != 0)
    assert (filled.min(0) >= np.floor(np.array([10, 12, 3]) * [0.7, 0.7, 4]) - 1).all()
    assert (filled.max(0) <= np.ceil(np.array([30, 28, 9]) * [0.7, 0.7, 4])).all()


def test_nan_is_kept_for_the_step_brain_mask():
    volume = wave(np.diag([0.7, 0.7, 2, 1]))
    volume.array[5, 6, 7] = np.nan
    image = Isotropic().apply(CaseVolumes("c", {"t2": volume})).images["t2"]
    bad = np.argwhere(np.isnan(image.array))
    assert 1 <= len(bad) <= 4
    np.testing.assert_allclose(image.affine[:3] @ [*bad.mean(0), 1], (3.5, 4.2, 14), atol=0.8)


def test_a_file_with_cubic_voxels_is_left_as_it_is():
    volume = wave(np.eye(4))
    image = Isotropic().apply(CaseVolumes("c", {"t2": volume})).images["t2"]
    np.testing.assert_array_equal(image.array, volume.array)
    np.testing.assert_array_equal(image.affine, volume.affine)


def test_respaced_keeps_the_corner():
    grid = wave(OBLIQUE).grid
    new = with_voxel_ratio(grid, (2, 3, 4), (20, 12, 4))
    np.testing.assert_allclose(
        new.affine @ [-0.5, -0.5, -0.5, 1], grid.affine @ [-0.5, -0.5, -0.5, 1], atol=1e-12
    )
    np.testing.assert_allclose(new.affine @ [0.5, 0.5, 0.5, 1], grid.affine @ [1.5, 2.5, 3.5, 1], atol=1e-12)
