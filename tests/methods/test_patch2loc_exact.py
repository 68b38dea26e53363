"""Quick scoring of the published network: the short convolutions, the folded network, bf16, fixed-size samples."""

import numpy as np
import pytest
import torch
from scipy import ndimage

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
from uad_methods.patch2loc.inference.bf16 import BF16Locator
from uad_methods.patch2loc.inference.exact import ExactLocator
from uad_methods.patch2loc.inference.toom import halved, product, same
from uad_methods.patch2loc.patches import brain_share, draw_candidates
from uad_methods.patch2loc.sampling import sample_patches, sample_strided
from uad_methods.patch2loc.scoring import score_patches


@pytest.mark.parametrize("n", range(1, 15))
@pytest.mark.parametrize(("short", "stride"), [(same, 1), (halved, 2)])
def test_a_short_convolution_is_the_padded_one(short, stride, n):
    values, taps = np.random.default_rng(n).normal(size=(2, 20))
    x, g = values[:n], taps[:3]
    around = np.pad(x, 1)
    expected = [around[i : i + 3] @ g for i in range(0, n, stride)]
    how = short(n)
    np.testing.assert_allclose(how.after @ ((how.taps @ g) * (how.before @ x)), expected, atol=1e-12)


def test_products_are_as_few_as_the_docs_say():
    assert [len(same(n).taps) for n in (1, 2, 4, 7)] == [1, 3, 6, 11]
    assert [len(halved(n).taps) for n in (2, 4, 7)] == [2, 5, 8]


def test_a_toom_cook_product_is_that_of_two_polynomials():
    how = product(4, 3)
    x, g = np.array([1.0, -2, 3, 0.5]), np.array([2.0, 0, -1])
    np.testing.assert_allclose(how.after @ ((how.taps @ g) * (how.before @ x)), np.convolve(x, g), atol=1e-12)


@pytest.mark.parametrize(("patch", "channels", "narrow"), [
    (24, 1, False), (24, 2, True), (5, 1, True), (8, 3, True), (13, 1, True), (32, 1, True), (48, 2, True),
])  # fmt: skip
def test_the_exact_scorer_says_what_the_loop_over_patches_says(patch, channels, narrow):
    net = spread_locator(patch, channels, narrow=narrow)
    images, height = torch.rand(2, channels, 30, 26), torch.tensor([20.0, 70.0])
    where = torch.rand(2, 30, 26, generator=torch.Generator().manual_seed(1)) > 0.9
    with torch.no_grad():
        loop = score_patches(net, images, height, where, patch)
        quick = score_patches(ExactLocator(net, patch), images, height, where, patch, chunk=50)
    assert loop[where].std() > 1e-2
    torch.testing.assert_close(quick, loop, atol=1e-4, rtol=0)


@pytest.mark.parametrize("loss", ["mse", "stirn"])
def test_heads_of_the_other_losses_are_folded_too(loss):
    net = spread_locator(8, narrow=True, loss=loss)
    x, height = torch.rand(9, 1, 8, 8), torch.rand(9) * 100
    with torch.no_grad():
        expected = net(x, height)
    for found, wanted in zip(ExactLocator(net, 8)(x, height), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_an_answer_stands_when_the_scorer_is_asked_again_and_weights_move_on():
    net = spread_locator(8, narrow=True)
    quick, height = ExactLocator(net, 8), torch.full((3,), 30.0)
    first, other = torch.rand(3, 1, 8, 8), torch.rand(3, 1, 8, 8)
    mean, _ = quick(first, height)
    kept = mean.clone()
    quick(other, height)
    for weight in net.parameters():
        weight.data += 1
    assert torch.equal(mean, kept)
    assert torch.equal(quick(first, height)[0], kept)


def test_pixels_a_filter_can_reach_are_enough_for_the_same_masked_map():
    net = spread_locator(8, narrow=True)
    brain = np.zeros((1, 20, 18), bool)
    brain[0, 6:15, 5:12] = True
    reach = ndimage.binary_dilation(brain, np.ones((1, 7, 7)))
    images, quick = torch.rand(1, 1, 20, 18), ExactLocator(net, 8)

    def filtered(where):
        scores = score_patches(quick, images, torch.tensor([40.0]), torch.from_numpy(where), 8)
        return ndimage.median_filter(scores.numpy(), size=(1, 7, 7))[brain]

    everywhere = filtered(np.ones_like(brain))
    np.testing.assert_allclose(filtered(reach), everywhere, atol=1e-4)
    assert abs(filtered(brain) - everywhere).max() > 1e-2, "without the margin zeros reach the brain's rim"


@pytest.mark.parametrize(("patch", "narrow"), [(24, False), (8, True), (32, True)])
def test_bf16_is_near_and_its_flat_layers_are_those_convolutions(patch, narrow, monkeypatch):
    net = spread_locator(patch, narrow=narrow)
    x, height = torch.rand(16, 1, patch, patch), torch.rand(16) * 100
    with torch.no_grad():
        expected = net(x, height)[0]
    spread, rough = expected.std(), BF16Locator(net, patch)(x, height)[0]
    assert rough.dtype == torch.float32
    assert 0 < (rough - expected).abs().max() < 0.5 * spread
    monkeypatch.setattr("uad_methods.patch2loc.inference.bf16.DTYPE", torch.float32)
    torch.testing.assert_close(BF16Locator(net, patch)(x, height)[0], expected, atol=1e-4, rtol=1e-4)


def test_the_method_scores_by_the_number_format_asked_for(monkeypatch):
    make_narrow(monkeypatch)
    scans = toy_scans(2)
    exact = Patch2Loc(**Patch2Loc.tiny)
    exact.fit(scans, scans[:1], Context())
    rough = Patch2Loc(**{**Patch2Loc.tiny, **Patch2Loc.variants["bf16"]})
    rough.fit(scans, scans[:1], Context())
    first, second = (method.score(scans[0], Context()) for method in (exact, rough))
    brain = scans[0].brain_mask
    assert 0 < abs(first - second)[brain].mean() < 0.2 * first[brain].std()


def regions() -> torch.Tensor:
    enough = torch.zeros(3, 10, 12, dtype=torch.bool)
    enough[0, 0, 0] = enough[1, 2:5, 3:9] = enough[2, 9, 11] = True
    return enough


def test_fixed_draws_are_distributed_as_those_the_published_sampler_keeps():
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


def test_a_fixed_sample_pairs_patches_and_places_as_the_published_one_does():
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


def test_the_fixed_count_is_what_the_published_sampler_keeps_in_the_mean():
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


def test_a_fixed_strided_sample_stands_on_places_with_enough_brain():
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
def test_fixed_samples_train_to_the_same_bits_and_varying_ones_to_others(monkeypatch, network):
    make_narrow(monkeypatch)
    scans, weights = toy_scans(2), []
    for counts in ([40], [40], []):
        monkeypatch.setattr(Patch2Loc, "_counts", lambda *_, counts=counts: counts)
        method = Patch2Loc(**Patch2Loc.tiny, network=network)
        method.fit(scans, scans[:1], Context(seed=2))
        weights.append(method.net_.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not torch.equal(weights[2]["mean.0.weight"], weights[0]["mean.0.weight"])


def test_preparing_a_network_keeps_names_weights_and_answers():
    net = spread_locator(8, narrow=True)
    names, x = list(net.state_dict()), torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        before = net(x, torch.ones(4))[0]
        prepare_network(net)
        assert torch.equal(net(x, torch.ones(4))[0], before)
    assert list(net.state_dict()) == names
    assert isinstance(adam(net, 1e-3), torch.optim.Adam)
