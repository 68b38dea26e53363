"""Positions of feature maps that have brain."""

import pytest
import torch
from torch.nn import functional

from uad_methods.parts.features.positions import at_positions, brain_cells, draw_positions, shares, slice_map
from uad_methods.parts.images.blur import gaussian_blur


def rng():
    return torch.Generator().manual_seed(1)


def test_a_cell_with_one_pixel_of_brain_has_brain():
    brain = torch.zeros(1, 8, 8, dtype=torch.bool)
    brain[0, 5, 1] = True
    expected = torch.zeros(1, 2, 2)
    expected[0, 1, 0] = 1
    assert torch.equal(brain_cells(brain, 0, 4), expected)
    assert torch.equal(brain_cells(brain, 16, 8), expected)


@pytest.mark.parametrize("total", [0, 5, 16, 1000])
def test_shares_are_proportional_and_add_up(total):
    sizes = torch.tensor([3, 0, 5, 8])
    found = shares(sizes, total)
    assert sum(found) == total and found[1] == 0
    assert all(abs(one - total * size / 16) < 1 for one, size in zip(found, sizes.tolist(), strict=True))


def test_drawn_positions_are_distinct_ones_with_brain_and_no_more_than_there_are():
    cells = (torch.rand(3, 6, 5, generator=rng()) < 0.5).float()
    index, inside = draw_positions(cells, [4, 0, 100], rng())
    assert inside.sum(dim=1).tolist() == [4, 0, int(cells[2].sum())]
    for i in range(3):
        chosen = index[i][inside[i]]
        assert len(chosen.unique()) == len(chosen) and (cells[i].flatten()[chosen] == 1).all()


def test_features_are_those_of_the_positions():
    maps = torch.randn(2, 3, 4, 5, generator=rng())
    found = at_positions(maps, torch.tensor([[0, 7], [19, 3]]))
    assert torch.equal(found[0, 1], maps[0, :, 1, 2]) and torch.equal(found[1, 0], maps[1, :, 3, 4])


@pytest.mark.parametrize("side", [0, 16])
def test_positions_without_brain_have_no_weight_in_the_map(side):
    brain = torch.zeros(1, 16, 16, dtype=torch.bool)
    brain[:, 4:12, 4:12] = True
    cells = brain_cells(brain, side, 4 if side else 1)
    found = slice_map(torch.where(cells > 0, 2.0, 99.0), cells, brain, side, 1.0)
    torch.testing.assert_close(found, 2.0 * brain)


@pytest.mark.parametrize("side", [0, 16])
def test_a_map_is_smoothed_by_the_gaussian(side):
    values, brain = torch.rand(2, 16, 16, generator=rng()), torch.ones(2, 16, 16, dtype=torch.bool)
    found = slice_map(values, brain_cells(brain, side, 1), brain, side, 2.0)
    torch.testing.assert_close(found, gaussian_blur(values, 2.0))


def test_a_coarse_map_is_resized_bilinearly_without_aligned_corners():
    values, brain = torch.rand(2, 4, 4, generator=rng()), torch.ones(2, 16, 16, dtype=torch.bool)
    found = slice_map(values, brain_cells(brain, 16, 4), brain, 16, 0.0)
    expected = functional.interpolate(values[:, None], (16, 16), mode="bilinear", align_corners=False)[:, 0]
    torch.testing.assert_close(found, expected)
