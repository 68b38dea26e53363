"""The small parts of Patch2Loc against their formulas: embedding, losses, patches, samples."""

import math

import numpy as np
import pytest
import torch

from uad_methods.patch2loc.embedding import sinusoidal
from uad_methods.patch2loc.loss import beta_nll, location_loss
from uad_methods.patch2loc.patches import Positions, brain_share, cut, draw_candidates, locations, padded
from uad_methods.patch2loc.sampling import sample_patches, sample_strided


def test_embedding_has_sines_at_even_and_cosines_at_odd_entries() -> None:
    row = sinusoidal(torch.tensor([37.5]), 512)[0].numpy()
    for i in (0, 1, 100, 255):
        angle = 37.5 / 10000 ** (2 * i / 512)
        assert row[2 * i : 2 * i + 2] == pytest.approx([math.sin(angle), math.cos(angle)], abs=1e-5)
    assert row.shape == (512,)


def three_patches() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(3)
    mean, log_variance, target = (torch.from_numpy(rng.normal(size=(3, 2)) * s) for s in (9, 2, 9))
    return mean.requires_grad_(), log_variance.requires_grad_(), target


def test_beta_nll_value_and_gradient_follow_the_formula() -> None:
    mean, log_variance, target = three_patches()
    beta_nll(mean, log_variance, target, 0.5).backward()
    m, s, t = (v.detach().numpy() for v in (mean, log_variance, target))
    variance = np.exp(s)
    loss = (0.5 * ((t - m) ** 2 / variance + s) * variance**0.5).sum(1).mean()
    assert beta_nll(mean, log_variance, target, 0.5).item() == pytest.approx(loss, rel=1e-12)
    by_mean = (m - t) / variance * variance**0.5 / 3
    by_s = 0.5 * (1 - (t - m) ** 2 / variance) * variance**0.5 / 3
    np.testing.assert_allclose(mean.grad, by_mean, rtol=1e-10)
    np.testing.assert_allclose(log_variance.grad, by_s, rtol=1e-10)


def test_mse_leaves_the_variance_alone() -> None:
    mean, log_variance, target = three_patches()
    loss = location_loss("mse", mean, log_variance, target, beta=0.5)
    assert loss.item() == pytest.approx(0.5 * ((mean - target) ** 2).sum().item() / 3, rel=1e-6)
    assert torch.autograd.grad(loss, log_variance, allow_unused=True) == (None,)


def test_stirn_moves_the_mean_as_mse_does_and_the_variance_as_the_likelihood_does() -> None:
    mean, log_variance, target = three_patches()
    by_mean, by_s = torch.autograd.grad(
        location_loss("stirn", mean, log_variance, target, beta=0.5), (mean, log_variance)
    )
    np.testing.assert_allclose(by_mean, (mean - target).detach() / 3, rtol=1e-5)
    share = ((target - mean) ** 2 / torch.exp(log_variance)).detach()
    np.testing.assert_allclose(by_s, 0.5 * (1 - share) / 3, rtol=1e-5)


@pytest.mark.parametrize("side", [24, 7])
def test_a_patch_covers_half_a_side_before_its_centre(side: int) -> None:
    image = torch.arange(2 * 30 * 40, dtype=torch.float32).reshape(2, 1, 30, 40)
    at = Positions(torch.tensor([1, 0]), torch.tensor([15, 2]), torch.tensor([20, 39]))
    patches = cut(padded(image, side), at, side)
    x, y = 15 - side // 2, 20 - side // 2
    assert torch.equal(patches[0, 0], image[1, 0, x : x + side, y : y + side])
    assert patches[0, 0, side // 2, side // 2] == image[1, 0, 15, 20]
    assert patches[1, 0, side // 2, side // 2] == image[0, 0, 2, 39]
    assert patches[1, 0, side // 2, side // 2 + 1] == 0  # past the slice's edge


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


def test_draws_stay_where_there_is_enough_brain_and_reach_all_of_it() -> None:
    enough = torch.zeros(3, 10, 12, dtype=torch.bool)
    enough[1, 2:5, 3:9] = enough[2, 7, 7] = True
    at = draw_candidates(enough, 20_000, torch.Generator().manual_seed(1))
    assert enough[at.slice, at.x, at.y].all()
    assert len(torch.stack(at).unique(dim=1).T) == enough.sum()
    assert len(at.x) == pytest.approx(20_000 * enough.float().mean().item(), rel=0.1)


def test_a_patch_sample_pairs_each_patch_with_its_own_place_and_height() -> None:
    x, y = torch.meshgrid(torch.arange(20.0), torch.arange(10.0), indexing="ij")
    images = torch.stack([x, y])[:, None] + 1  # slice 0 tells x, slice 1 tells y; 0 is outside
    enough = torch.ones(2, 20, 10, dtype=torch.bool)
    rng = torch.Generator().manual_seed(2)
    sample = sample_patches(images, torch.tensor([30.0, 60.0]), enough, 5, 50, rng)
    first = sample.height == 30
    assert 0 < first.sum() < len(sample.target) == 50
    centre = sample.inputs[:, 0, 2, 2] - 1
    assert torch.allclose(sample.target[first, 0], 100 * centre[first] / 20)
    assert torch.allclose(sample.target[~first, 1], 100 * centre[~first] / 10)


def test_a_strided_sample_targets_the_pixels_the_network_stands_on() -> None:
    enough = torch.zeros(1, 20, 16, dtype=torch.bool)
    enough[0, 6, 9] = enough[0, 7, 9] = True
    sample = sample_strided(torch.rand(1, 1, 20, 16), torch.tensor([5.0]), enough, 8, 4, (2, 1))
    assert sample.target.tolist() == [[100 * 6 / 20, 100 * 9 / 16]]  # 7 is not 2 + 4i
    assert sample.kept.nonzero().tolist() == [[0, 1, 2]]
