"""Sampling of a fixed number of patches against the published sampler."""

import numpy as np
import pytest
import torch

from tests.helpers.patch2loc import make_narrow, spread_locator
from uad_bench import Context, SliceStack
from uad_bench.testing import toy_scans
from uad_methods.patch2loc import Patch2Loc
from uad_methods.patch2loc.fast import (
    adam,
    draw_positions,
    expected_count,
    prepare_network,
    sample_static,
    sample_strided_static,
)
from uad_methods.patch2loc.patches import brain_share, draw_candidates
from uad_methods.patch2loc.sampling import sample_patches, sample_strided


def regions() -> torch.Tensor:
    enough = torch.zeros(3, 10, 12, dtype=torch.bool)
    enough[0, 0, 0] = enough[1, 2:5, 3:9] = enough[2, 9, 11] = True
    return enough


def test_draws_are_distributed_as_those_that_the_published_sampler_keeps():
    enough, n = regions(), 100_000
    places = int(enough.sum())
    for draw, count in ((draw_positions, n), (draw_candidates, n * enough.numel() // places)):
        at = draw(enough, count, torch.Generator().manual_seed(1))
        assert enough[at.slice, at.x, at.y].all()
        hits = torch.bincount((at.slice * 10 + at.x) * 12 + at.y, minlength=360)[enough.flatten()]
        expected = len(at.x) / places
        chi2 = ((hits - expected) ** 2 / expected).sum().item()
        assert chi2 < 45  # 19 degrees of freedom: exceeded once in 1,500 times
    assert len(draw_positions(enough, 7, torch.Generator()).x) == 7


def test_the_same_seed_draws_the_same_patches_and_no_brain_is_no_error():
    enough = regions()
    first, again, other = (draw_positions(enough, 50, torch.Generator().manual_seed(s)) for s in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert draw_positions(torch.zeros_like(enough), 5, torch.Generator()).x.max() < 10


def test_a_sample_pairs_patches_and_locations_as_the_published_one():
    x, y = torch.meshgrid(torch.arange(10.0), torch.arange(12.0), indexing="ij")
    images, enough = torch.stack([x, y, x + y])[:, None] + 1, regions()
    height, rng = torch.tensor([30.0, 60.0, 90.0]), torch.Generator().manual_seed(2)
    sample = sample_static(images, height, enough, 5, 40, rng)
    by_x = sample.height == 30
    assert sample.inputs.shape == (40, 1, 5, 5) and sample.kept is None
    centre = sample.inputs[:, 0, 2, 2] - 1
    assert torch.allclose(sample.target[by_x, 0], 100 * centre[by_x] / 10)
    middle = sample.height == 60
    assert middle.any() and torch.allclose(sample.target[middle, 1], 100 * centre[middle] / 12)


def test_the_expected_count_is_the_mean_of_the_published_sampler():
    stack = SliceStack(toy_scans(3), Context())
    count = expected_count(stack, 8, 0.2, 4000)
    everything = stack.spread(len(stack))
    enough = brain_share(everything.brain, 8) >= 0.2
    height = everything.z.float()
    kept = [
        len(
            sample_patches(everything.image, height, enough, 8, 4000, torch.Generator().manual_seed(s)).target
        )
        for s in range(5)
    ]
    assert count == pytest.approx(np.mean(kept), rel=0.03)


def test_a_strided_sample_uses_positions_with_enough_brain():
    x, y = torch.meshgrid(torch.arange(10.0), torch.arange(12.0), indexing="ij")
    images, enough = torch.stack([x, y, x + y])[:, None] + 1, regions()
    height, rng = torch.tensor([30.0, 60.0, 90.0]), torch.Generator().manual_seed(2)
    sample = sample_strided_static(
        images, height, enough, 5, 2, (1, 0), lambda places: draw_positions(places, 60, rng)
    )
    at = sample.kept
    assert len(sample.target) == 60
    assert enough[:, 1::2, ::2][at].all()
    assert torch.allclose(sample.target, torch.stack([100 * (1 + 2 * at.x) / 10, 100 * 2 * at.y / 12], dim=1))
    whole = sample_strided(images, height, enough, 5, 2, (1, 0))
    assert torch.equal(sample.inputs, whole.inputs)


@pytest.mark.parametrize("network", ["resnet", "conv"])
def test_training_with_fixed_counts_is_reproducible_and_differs_from_varying_counts(monkeypatch, network):
    make_narrow(monkeypatch)
    scans, weights = toy_scans(2), []
    for counts in ([40], [40], []):
        monkeypatch.setattr(Patch2Loc, "_counts", lambda *_, counts=counts: counts)
        method = Patch2Loc(**Patch2Loc.tiny, network=network)
        method.fit(scans, scans[:1], Context(seed=2))
        weights.append(method.net_.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not torch.equal(weights[2]["mean.0.weight"], weights[0]["mean.0.weight"])


def test_preparing_a_network_keeps_names_weights_and_predictions():
    net = spread_locator(8, narrow=True)
    names, x = list(net.state_dict()), torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        before = net(x, torch.ones(4))[0]
        prepare_network(net)
        torch.testing.assert_close(net(x, torch.ones(4))[0], before)
    assert list(net.state_dict()) == names
    assert isinstance(adam(net, 1e-3), torch.optim.Adam)
