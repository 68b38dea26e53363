"""The stack of training slices, and volumes computed slice by slice."""

import numpy as np
import pytest
import torch

from uad_bench.errors import DataError
from uad_bench.method.context import Context
from uad_bench.method.slices import SliceStack, score_slices, volumes
from uad_bench.types import Scan


def scan(case_id="a", shape=(6, 5, 8), channels=2, fill=None):
    rng = np.random.default_rng(len(case_id))
    brain = np.zeros(shape, bool)
    brain[1:-1, 1:-1, 2:6] = True
    image = (rng.random((channels, *shape)) if fill is None else np.full((channels, *shape), fill)) * brain
    modalities = tuple("ab"[:channels])
    return Scan(case_id, modalities, image.astype(np.float32), brain, np.eye(4), (1.0, 1.0, 1.0))


def test_the_stack_contains_the_slices_with_brain_and_their_position():
    one = scan()
    stack = SliceStack([one, one], Context())
    assert len(stack) == 8 and stack.depth == 8 and stack.counts == [4, 4]
    batch = stack.take([1])
    assert batch.z.tolist() == [3]
    np.testing.assert_allclose(batch.image[0].numpy(), one.image[..., 3], atol=1e-3)
    assert np.array_equal(batch.brain[0].numpy(), one.brain_mask[..., 3])


def test_a_batch_is_a_pure_function_of_seed_and_step():
    first, again = SliceStack([scan()], Context(seed=5)), SliceStack([scan()], Context(seed=5))
    first.batch(0, 3)
    assert torch.equal(first.batch(7, 3).image, again.batch(7, 3).image)
    others = [SliceStack([scan()], Context(seed=6)), SliceStack([scan()], Context(seed=5), name="val")]
    drawn = [[stack.batch(step, 3).z.tolist() for step in range(5)] for stack in (first, *others)]
    assert drawn[0] != drawn[1] and drawn[0] != drawn[2]


def test_no_scans_is_a_clear_error():
    with pytest.raises(DataError, match="no train scans"):
        SliceStack([], Context())


@pytest.mark.parametrize("size", [1, 3, 32])
def test_scoring_puts_every_slice_back_in_its_place(size):
    one = scan()
    maps = score_slices(one, Context(), lambda batch: batch.image.sum(1), size)
    np.testing.assert_allclose(maps, one.image.astype(np.float16).astype(np.float32).sum(0), atol=1e-6)


def test_a_scan_cannot_be_written_to():
    one = scan()
    for array in (one.image, one.brain_mask):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


@pytest.mark.parametrize("size", [1, 3, 32])
def test_volumes_keep_their_leading_axes_and_come_from_one_pass(size):
    one, sizes = scan(), []

    def compute(batch):
        sizes.append(len(batch.z))
        return {"both": batch.image, "height": batch.z[:, None, None] + batch.image[:, 0]}

    found = volumes(one, Context(), compute, size)
    assert sum(sizes) == 4
    np.testing.assert_allclose(found["both"], one.image, atol=1e-3)
    high = np.where(one.brain_mask.any(axis=(0, 1)), np.arange(8), 0)
    np.testing.assert_allclose(found["height"], one.image[0] + high, atol=5e-3)


def test_a_scan_without_brain_has_no_volumes():
    one = scan()
    empty = Scan("e", one.modalities, one.image, np.zeros(one.shape, bool), one.affine, one.spacing)
    assert volumes(empty, Context(), lambda batch: {"a": batch.image}) == {}
    assert not score_slices(empty, Context(), lambda batch: batch.image[:, 0]).any()


def test_a_batch_larger_than_the_stack_repeats_slices_and_a_smaller_one_does_not():
    stack = SliceStack([scan()], Context())
    assert sorted(stack.batch(0, 4).z.tolist()) == [2, 3, 4, 5]
    assert len(stack.batch(0, 9).z) == 9


@pytest.mark.parametrize(("count", "z"), [(1, [2]), (2, [2, 5]), (99, [2, 3, 4, 5])])
def test_a_spread_has_equal_distances_and_no_slice_twice(count, z):
    assert SliceStack([scan()], Context()).spread(count).z.tolist() == z
