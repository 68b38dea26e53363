"""Positions, extraction and brain fraction of patches."""

import numpy as np
import pytest
import torch

from uad_bench import Context
from uad_bench.errors import UsageError
from uad_bench.testing import toy_scans
from uad_methods.patch2loc import Patch2Loc
from uad_methods.patch2loc.patches import (
    Positions,
    brain_share,
    cut,
    draw_candidates,
    locations,
    padded,
    require_smaller_patches,
)


@pytest.mark.parametrize("side", [24, 7])
def test_a_patch_covers_half_a_side_before_its_centre(side: int) -> None:
    image = torch.arange(2 * 30 * 40, dtype=torch.float32).reshape(2, 1, 30, 40)
    at = Positions(torch.tensor([1, 0]), torch.tensor([15, 2]), torch.tensor([20, 39]))
    patches = cut(padded(image, side), at, side)
    x, y = 15 - side // 2, 20 - side // 2
    assert torch.equal(patches[0, 0], image[1, 0, x : x + side, y : y + side])
    assert patches[0, 0, side // 2, side // 2] == image[1, 0, 15, 20]
    assert patches[1, 0, side // 2, side // 2] == image[0, 0, 2, 39]
    assert patches[1, 0, side // 2, side // 2 + 1] == 0  # outside the slice


def test_brain_share_counts_the_patch_s_pixels() -> None:
    brain = torch.rand(2, 17, 19, generator=torch.Generator().manual_seed(0)) > 0.5
    share = brain_share(brain, 6)
    around = np.pad(brain.numpy(), ((0, 0), (6, 6), (6, 6)))
    for n, x, y in [(0, 0, 0), (1, 9, 4), (0, 16, 18), (1, 3, 18)]:
        assert share[n, x, y].item() == pytest.approx(around[n, x + 3 : x + 9, y + 3 : y + 9].mean())


def test_locations_are_percent_of_each_side() -> None:
    place = locations(torch.zeros(1, 1, 50, 80))
    assert place.shape == (50, 80, 2)
    assert place[25, 20].tolist() == [50.0, 25.0]


def test_draws_cover_all_positions_with_enough_brain_and_no_others() -> None:
    enough = torch.zeros(3, 10, 12, dtype=torch.bool)
    enough[1, 2:5, 3:9] = enough[2, 7, 7] = True
    at = draw_candidates(enough, 20_000, torch.Generator().manual_seed(1))
    assert enough[at.slice, at.x, at.y].all()
    assert len(torch.stack(at).unique(dim=1).T) == enough.sum()
    assert len(at.x) == pytest.approx(20_000 * enough.float().mean().item(), rel=0.1)


def test_f72_patches_larger_than_a_slice_are_refused_before_memory_is_taken() -> None:
    with pytest.raises(UsageError, match="300 pixels are larger than slices of 96 x 120") as caught:
        require_smaller_patches((24, 300), (96, 120))
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match="larger than slices"):
        Patch2Loc(patch=1000).fit(toy_scans(2), toy_scans(1), Context())
