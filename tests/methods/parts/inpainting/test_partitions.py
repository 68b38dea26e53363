"""Partitions into hidden groups, and slices filled in one group at a time."""

import pytest
import torch

from uad_methods.parts.inpainting.partitions import filled, hidden_groups


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("side", "square", "groups"), [(32, 4, 3), (32, 16, 3), (24, 8, 5), (16, 2, 2), (12, 1, 7)]
)
def test_groups_are_disjoint_and_cover_all_squares(side, square, groups):
    hidden = hidden_groups(side, square, groups, rng())
    assert hidden.shape == (groups, 1, side, side) and hidden.dtype == torch.bool
    assert (hidden.sum(0) == 1).all()
    across = side // square
    squares = hidden.view(groups, across, square, across, square).float().mean((2, 4))
    assert set(squares.unique().tolist()) <= {0.0, 1.0}
    most = -(-(across**2) // groups)
    assert squares.sum((1, 2)).tolist() == [max(0, min(most, across**2 - i * most)) for i in range(groups)]


def test_partitions_depend_on_the_generator_only():
    first, same, other = (hidden_groups(32, 4, 3, rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_every_square_is_in_every_group_equally_often():
    one = rng(3)
    mean = torch.stack([hidden_groups(8, 2, 4, one).float() for _ in range(2_000)]).mean(0)
    assert (mean - 0.25).abs().max() < 0.06  # six standard deviations


@pytest.mark.parametrize("told", [False, True])
def test_a_network_that_returns_its_input_fills_in_nothing(told):
    images, hidden = torch.rand(3, 2, 16, 16, generator=rng()), hidden_groups(16, 4, 3, rng())
    assert (filled(lambda given: given[:, :2], images, hidden, told=told) == 0).all()


def test_a_network_that_knows_the_slice_returns_it():
    images, hidden = torch.rand(3, 2, 16, 16, generator=rng()), hidden_groups(16, 4, 3, rng())
    assert torch.equal(filled(lambda given: images, images, hidden, told=False), images)


def test_the_network_gets_the_visible_pixels_and_their_mask():
    images, hidden, calls = torch.rand(3, 2, 16, 16, generator=rng()), hidden_groups(16, 4, 3, rng()), []

    def network(given):
        calls.append(given)
        return given[:, :2]

    filled(network, images, hidden, told=True)
    assert len(calls) == 3
    for given, group in zip(calls, hidden, strict=True):
        assert torch.equal(given[:, 2:], (~group).float().expand(3, 1, 16, 16))
        assert torch.equal(given[:, :2], torch.where(group, 0.0, images))
