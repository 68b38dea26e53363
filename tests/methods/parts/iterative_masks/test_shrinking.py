"""Shrinking masks: known fillers."""

from itertools import pairwise

import pytest
import torch

from uad_methods.parts.iterative_masks.shrinking import largest_share, shrink, squared_error

IMAGES = torch.rand(3, 1, 20, 20, generator=torch.Generator().manual_seed(0)) * 6 - 3
BRAIN = torch.zeros(3, 20, 20, dtype=torch.bool)
BRAIN[:2, 2:18, 2:18] = True  # the third slice is empty


def test_a_perfect_filler_empties_the_masks_in_one_turn():
    seen = []

    def fill(mask, turn, at):
        seen.append(mask)
        return IMAGES[at]

    found = shrink(IMAGES, BRAIN, fill, 0.01, 0.1, 10)
    assert not found.mask.any() and (found.image == IMAGES).all()
    assert not seen[1].any() and len(seen) == 2  # the second finds nothing to unhide


def test_a_filler_that_is_wrong_in_a_square_leaves_the_square():
    wrong = IMAGES.clone()
    wrong[:2, :, 5:9, 6:10] += 1
    found = shrink(IMAGES, BRAIN, lambda mask, turn, at: wrong[at], 0.5, 0.1, 10)
    expected = torch.zeros_like(BRAIN)
    expected[:2, 5:9, 6:10] = True
    assert torch.equal(found.mask, expected) and torch.equal(found.image, wrong)


def test_masks_never_grow_and_turns_end():
    masks = []

    def fill(mask, turn, at):
        masks.append(mask)
        noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(turn))
        return images[at] + noise[at]

    images = IMAGES[:2]  # with brain
    found = shrink(images, BRAIN[:2], fill, 0.05, 0.1, 6)
    masks.append(found.mask)
    assert len(masks) == 7 and all(not (b & ~a).any() for a, b in pairwise(masks))


@pytest.mark.parametrize(("lost", "turns"), [(9, 1), (10, 2)])
def test_a_slice_ends_when_its_mask_lost_less_than_the_share(lost, turns):
    """100 hidden pixels; the first turn unhides `lost` of them, the second none."""
    images, mask = torch.zeros(1, 1, 10, 10), torch.ones(1, 10, 10, dtype=torch.bool)
    outputs = []

    def fill(hidden, turn, at):
        error = torch.full((100,), 1.0 + turn)
        error[:lost] = 0
        outputs.append(error.view(1, 1, 10, 10))
        return outputs[-1]

    found = shrink(images, mask, fill, 0.5, 0.1, 10)
    assert len(outputs) == turns and torch.equal(found.image, outputs[-1])
    assert found.mask.sum() == 100 - lost


def test_a_finished_slice_is_kept_and_not_filled_again_while_others_go_on():
    images, filled = torch.zeros(2, 1, 4, 4), []

    def fill(mask, turn, at):
        filled.append(at.tolist())
        error = torch.full((2, 1, 4, 4), 1.0 + turn)
        error[1].view(-1)[: 2 * turn + 2] = 0
        return error[at]

    found = shrink(images, torch.ones(2, 4, 4, dtype=torch.bool), fill, 0.5, 0.1, 3)
    assert found.mask.sum(dim=(1, 2)).tolist() == [16, 10]
    assert found.image.amax(dim=(1, 2, 3)).tolist() == [1, 3] and filled == [[0, 1], [1], [1]]


@pytest.mark.parametrize("share", [0.01, 0.6, 1.0])
def test_the_first_mask_has_the_share_of_the_brain_with_the_largest_errors(share):
    error = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(1))
    mask = largest_share(error, BRAIN, share)
    assert mask.sum(dim=(1, 2)).tolist() == [int(256 * share)] * 2 + [0] and not (mask & ~BRAIN).any()
    for one, hidden, brain in zip(error[:2], mask, BRAIN, strict=False):
        rest = one[brain & ~hidden]
        assert not rest.numel() or one[hidden].min() > rest.max()


def test_a_brain_that_fills_the_slice_can_be_hidden_whole_and_ties_are_left_out():
    assert largest_share(torch.zeros(1, 4, 4), torch.ones(1, 4, 4, dtype=torch.bool), 1.0).all()
    assert not largest_share(torch.zeros(1, 4, 4), torch.ones(1, 4, 4, dtype=torch.bool), 0.5).any()


def test_the_error_is_the_mean_over_channels():
    assert squared_error(torch.tensor([1.0, 3.0]).view(1, 2, 1, 1), torch.zeros(1, 2, 1, 1)).item() == 5
