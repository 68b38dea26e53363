import numpy as np
import pytest
from scipy import ndimage

from uad_bench.data.nifti.read import Grid, Volume, read_grid, read_mask
from uad_bench.prepare.resampling.lesion_mask import (
    fullest,
    fullest_of_each,
    in_voxels_of,
    nearest_lesions,
    resample_lesions,
)
from uad_bench.prepare.resampling.reorient import canonical


def grid(shape, spacing, origin=0.0):
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = origin
    return Grid(shape, affine)


def specks(n: int, seed: int = 0) -> np.ndarray:
    """n small lesions of one to a few voxels, some of them large, scattered in 40^3."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((40, 40, 40), bool)
    for x, y, z in rng.integers(2, 34, (n, 3)):
        size = rng.integers(1, 6)
        mask[x : x + size, y : y + size, z : z + rng.integers(1, 4)] = True
    return mask


def lesions_kept(mask: np.ndarray, source: Grid, kept: np.ndarray, target: Grid) -> tuple[int, int]:
    """How many lesions there are, and how many of them have a voxel of `kept` over a voxel of their own."""
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    there = np.argwhere(kept)
    world = np.linalg.inv(source.affine) @ target.affine
    corners = np.stack(np.meshgrid(*[[-0.49, -0.17, 0.17, 0.49]] * 3), -1).reshape(-1, 3)
    points = (there[:, None] + corners).reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]
    index = np.clip(np.rint(points).astype(int), 0, np.array(mask.shape) - 1)
    return count, len(set(labels[tuple(index.T)]) - {0})


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("origin", [0.5, 0.0, 0.3])
def test_volume_is_kept_and_no_lesion_is_lost(seed, origin):
    mask, source, target = specks(25, seed), grid((40, 40, 40), 1), grid((20, 20, 20), 2, origin)
    result = resample_lesions(Volume(mask, source.affine), target)
    assert result.mask.array.sum() * 8 == pytest.approx(mask.sum(), rel=0.03)
    count, kept = lesions_kept(mask, source, result.mask.array, target)
    assert result.lesions == count == kept
    assert (result.lost, result.lesions_outside) == (0, 0)


@pytest.mark.parametrize("patient", ["patient07", "patient19"])
def test_real_lesions_at_2_mm(shared_data, patient):
    path = shared_data / f"MSLUB/{patient}/{patient}_consensus_gt.nii.gz"
    mask = canonical(read_mask(path, patient, read_grid(path, patient)))
    target = grid((95, 110, 95), 2, origin=0)
    target.affine[:3, 3] = mask.affine[:3, 3] + [0.37, 0.81, 0.2]
    result = resample_lesions(mask, target)
    assert result.mask.array.sum() * 8 == pytest.approx(mask.array.sum(), rel=0.03)
    assert lesions_kept(mask.array, mask.grid, result.mask.array, target) == (result.lesions, result.lesions)
    assert result.lost == 0


def test_a_lesion_stays_at_its_place_in_the_world():
    mask = np.zeros((40, 40, 40), bool)
    mask[10:16, 20:26, 30:36] = True
    affine = np.array([[-1.0, 0, 0, 50], [0, 1, 0, -60], [0, 0, 1.5, -20], [0, 0, 0, 1]])
    target = grid((50, 50, 50), 2, origin=-40)
    kept = resample_lesions(Volume(mask, affine), target).mask
    middle = target.affine[:3, :3] @ np.argwhere(kept.array).mean(axis=0) + target.affine[:3, 3]
    np.testing.assert_allclose(middle, affine[:3] @ [12.5, 22.5, 32.5, 1], atol=0.6)


def test_lost_voxels_are_counted_in_voxels_of_the_grid():
    mask = np.zeros((40, 40, 40), bool)
    mask[2:6, 2:6, 2:6] = mask[30:34, 30:34, 30:34] = True
    result = resample_lesions(Volume(mask, np.eye(4)), grid((10, 10, 10), 2, origin=0.5))
    assert (result.lost, result.lesions, result.lesions_outside) == (8, 2, 1)
    assert result.mask.array.sum() == 8


def test_no_lesion_stays_none_and_the_own_grid_changes_nothing():
    empty = resample_lesions(Volume(np.zeros((9, 9, 9), bool), np.eye(4)), grid((5, 5, 5), 2))
    assert (int(empty.mask.array.sum()), empty.lost, empty.lesions) == (0, 0, 0)
    mask = specks(9)
    same = resample_lesions(Volume(mask, np.eye(4)), grid((40, 40, 40), 1))
    np.testing.assert_array_equal(same.mask.array, mask)


def test_equal_shares_draw_a_lesion_to_no_side():
    ball = ((np.indices((41, 41, 41)) - 20) ** 2).sum(axis=0) <= 170
    target = grid((20, 20, 20), 2, origin=0.5)
    kept = resample_lesions(Volume(ball, np.eye(4)), target).mask.array
    middle = np.argwhere(kept).mean(axis=0) * 2 + 0.5
    np.testing.assert_allclose(middle, 20, atol=0.1)


def test_fullest_takes_anchors_first_and_never_an_empty_voxel():
    share = np.array([0.9, 0.1, 0.5, 0.5, 0.0], np.float32).reshape(5, 1, 1)

    def picked(count, *anchors):
        return np.flatnonzero(fullest(share, count, np.array(anchors, dtype=np.intp))).tolist()

    assert picked(2) == [0, 2]
    assert picked(2, 1) == [0, 1]
    assert picked(1, 1, 3) == [1, 3]
    assert picked(5) == [0, 1, 2, 3]


def test_fullest_of_each_counts_and_breaks_ties_by_place():
    lesion, voxel = np.array([1, 1, 1, 2, 2, 3]), np.array([7, 4, 7, 9, 3, 7])
    assert fullest_of_each(lesion, voxel).tolist() == [7, 3, 7]


def sheared(seed: int) -> np.ndarray:
    """An affine as a registration finds it: turned, sheared and scaled by up to a third."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(np.eye(3) + rng.normal(0, 0.15, (3, 3)))
    turn *= np.sign(np.diag(turn))
    shear = np.eye(3) + np.triu(rng.normal(0, 0.08, (3, 3)), 1)
    affine = np.eye(4)
    affine[:3, :3] = turn @ shear @ np.diag(rng.uniform(0.8, 1.35, 3))
    return affine


def around(mask: Volume, spacing: float, seed: int = 0) -> Grid:
    """A grid of 160 mm in the middle of a mask, somewhere between its voxels."""
    n = round(160 / spacing)
    middle = mask.affine[:3, :3] @ np.argwhere(mask.array).mean(axis=0) + mask.affine[:3, 3]
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = middle - 80 + np.random.default_rng(seed).uniform(0, spacing, 3)
    return Grid((n, n, n), affine)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spacing", [1, 2])
def test_a_general_affine_scales_the_volume_by_its_determinant_and_loses_no_lesion(seed, spacing):
    affine = sheared(seed)
    mask = Volume(specks(60, seed), affine)
    target = around(mask, spacing, seed)
    result = resample_lesions(mask, target)
    before = mask.array.sum() * np.linalg.det(affine[:3, :3])
    assert before > 1000
    assert result.mask.array.sum() * spacing**3 == pytest.approx(before, rel=0.03)
    assert lesions_kept(mask.array, mask.grid, result.mask.array, target) == (result.lesions, result.lesions)
    assert (result.lost, result.lesions_vanished) == (0, 0)


def test_real_lesions_through_a_general_affine(shared_data):
    path = shared_data / "MSLUB/patient07/patient07_consensus_gt.nii.gz"
    drawn = canonical(read_mask(path, "c", read_grid(path, "c")))
    affine = sheared(3)
    mask = Volume(drawn.array, affine @ drawn.affine)
    target = around(mask, 2)
    result = resample_lesions(mask, target)
    expected = drawn.array.sum() * drawn.grid.voxel_ml * np.linalg.det(affine[:3, :3])
    assert result.mask.array.sum() * target.voxel_ml == pytest.approx(expected, rel=0.03)
    kept = lesions_kept(mask.array, mask.grid, result.mask.array, target)
    assert kept == (result.lesions, result.lesions)


def test_nearest_neighbour_counts_what_vanishes_and_what_is_outside(caplog):
    mask = np.zeros((40, 40, 40), bool)
    mask[10:16, 10:16, 10:16] = True
    mask[20, 20, 20] = True  # between the centres of the coarse grid
    mask[38:, 38:, 38:] = True
    result = nearest_lesions(Volume(mask, np.eye(4)), grid((18, 18, 18), 2, origin=0.5))
    assert result.mask.array.sum() == 27
    assert (result.lesions, result.lesions_outside, result.lesions_vanished, result.lost) == (3, 1, 1, 1)
    figures = result.figures("case-1")
    assert (figures["lesion_voxels"], figures["lesions_vanished"]) == (27, 1)
    assert [sentence in caplog.text for sentence in figures["warnings"]] == [True, True]


def test_voxels_are_counted_by_volume():
    assert in_voxels_of(grid((5, 5, 5), 2), 17, grid((9, 9, 9), 1)) == 3  # nothing lost rounds to nothing
    assert in_voxels_of(grid((9, 9, 9), 1), 2, grid((5, 5, 5), 2)) == 16
