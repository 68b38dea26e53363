"""SliceStack and whole-volume scoring."""

import numpy as np
import pytest
import torch

from uad_bench.errors import DataError
from uad_bench.method.context import Context
from uad_bench.method.slices import SliceStack, score_slices, volumes
from uad_bench.method.torch_method import TorchMethod
from uad_bench.types import Scan


def scan(case_id="a", shape=(6, 5, 8), channels=2, fill=None):
    rng = np.random.default_rng(len(case_id))
    brain = np.zeros(shape, bool)
    brain[1:-1, 1:-1, 2:6] = True
    image = (rng.random((channels, *shape)) if fill is None else np.full((channels, *shape), fill)) * brain
    modalities = tuple("ab"[:channels])
    return Scan(case_id, modalities, image.astype(np.float32), brain, np.eye(4), (1.0, 1.0, 1.0))


def test_the_stack_holds_brain_slices_with_their_place():
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
    assert not torch.equal(
        first.batch(8, 3).z, SliceStack([scan()], Context(seed=6)).batch(8, 3).z
    ) or not torch.equal(first.batch(9, 3).z, SliceStack([scan()], Context(seed=6)).batch(9, 3).z)


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
    one, asked = scan(), []

    def ask(batch):
        asked.append(len(batch.z))
        return {"both": batch.image, "height": batch.z[:, None, None] + batch.image[:, 0]}

    found = volumes(one, Context(), ask, size)
    assert sum(asked) == 4
    np.testing.assert_allclose(found["both"], one.image, atol=1e-3)
    high = np.where(one.brain_mask.any(axis=(0, 1)), np.arange(8), 0)
    np.testing.assert_allclose(found["height"], one.image[0] + high, atol=5e-3)


def test_a_scan_without_brain_has_no_volumes():
    one = scan()
    empty = Scan("e", one.modalities, one.image, np.zeros(one.shape, bool), one.affine, one.spacing)
    assert volumes(empty, Context(), lambda batch: {"a": batch.image}) == {}
    assert not score_slices(empty, Context(), lambda batch: batch.image[:, 0]).any()


def test_a_network_scores_in_full_float32_and_the_setting_comes_back():
    """TF32 is PyTorch's default for convolutions on a GPU."""

    class Plain(TorchMethod):
        variants = {}

        def build(self):
            return torch.nn.Conv2d(self.channels_, 1, 3, padding=1)

    method, seen, one = Plain(), [], scan()
    method.begin([one], Context())

    def score(batch):
        seen.append(torch.backends.cudnn.allow_tf32)
        return batch.image.sum(1)

    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark, torch.backends.cudnn.enabled
    method.score_slices(one, Context(), score)
    method.component_slices(one, Context(), lambda batch: {"a": score(batch)})
    assert seen == [False, False]
    assert before == (
        torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark, torch.backends.cudnn.enabled,
    )  # fmt: skip
