import numpy as np
import pytest

from uad_bench.data.audit.near_duplicates import near_duplicates, thumbnail


def brain(seed: int = 0, shape=(40, 48, 36)):
    """A ball of smooth random intensities (X, Y, Z) and its mask."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
    mask = (grid**2).sum(0) < 0.7
    waves = np.random.default_rng(seed).normal(size=(6, 3)) * 4
    image = 2 + sum(np.cos(np.tensordot(k, grid, 1)) for k in waves) / 6
    return image.astype(np.float32), mask


def test_a_thumbnail_has_the_cell_means_of_the_bounding_box():
    image = np.arange(64 * 32 * 16, dtype=np.float32).reshape(64, 32, 16)
    mask = np.zeros((70, 40, 20), bool)
    mask[3:67, 5:37, 2:18] = True
    whole = np.full(mask.shape, 1e9, np.float32)  # what lies outside the brain must not count
    whole[mask] = image.ravel()
    small = thumbnail(whole, mask)
    assert small.dtype == np.float32 and small.flags.c_contiguous
    assert np.allclose(small, image.reshape(16, 4, 16, 2, 16, 1).mean((1, 3, 5)), rtol=1e-6)


@pytest.mark.parametrize("shape", [(10, 16, 40), (3, 17, 33)])
def test_boxes_across_voxel_borders_keep_the_mean(shape):
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    small = thumbnail(image, np.ones(shape, bool))
    assert small.shape == (16, 16, 16) and small.mean() == pytest.approx(image.mean(), rel=1e-5)


def test_the_same_scan_cropped_scaled_and_noisy_is_a_near_duplicate_and_another_is_not():
    image, mask = brain()
    other, _ = brain(1)
    noise = np.random.default_rng(2).normal(0, 0.05, image.shape).astype(np.float32)
    again = thumbnail((1.7 * image + noise)[2:, :, 1:], mask[2:, :, 1:])
    pairs = near_duplicates([thumbnail(other, mask), thumbnail(image, mask), again])
    assert [(i, j) for i, j, _ in pairs] == [(1, 2)] and 0.999 < pairs[0][2] <= 1 + 1e-6


def test_an_empty_or_constant_thumbnail_is_like_nothing():
    image, mask = brain()
    empty = thumbnail(image, np.zeros_like(mask))
    assert not empty.any()
    assert near_duplicates([empty, empty, np.ones((16, 16, 16), np.float32)]) == []
    assert near_duplicates([]) == near_duplicates([empty]) == []


def test_pairs_are_found_across_blocks_and_named_in_order():
    some = list(np.random.default_rng(0).random((1200, 16, 16, 16), dtype=np.float32))
    some[1100], some[1199] = 2 * some[3], some[3] + 1
    assert [(i, j) for i, j, _ in near_duplicates(some)] == [(3, 1100), (3, 1199), (1100, 1199)]
