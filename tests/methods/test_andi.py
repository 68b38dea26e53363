"""ANDi: oracles with known networks, loss, levels, draws, resumed training."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from tests.helpers.known_noise import Known
from tests.helpers.method_maps import inside_of_an_odd_grid, require_independence_of_batches
from tests.helpers.networks import weight_count
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.method.slices import SliceStack
from uad_bench.testing import toy_scans
from uad_methods.andi import ANDi
from uad_methods.parts import log_snr

SHAPE = (16, 16, 4)
CONSTANT = 6.644e-4  # of the published levels at 224 pixels


def fitted(scans, **parameters):
    method = ANDi(**{**ANDi.tiny, **parameters})
    method.fit(scans, scans, Context())
    return method


def with_network(answer, scan, **parameters):
    """A method for the grid of `scan` whose network returns `answer(x, t)`."""
    method = ANDi(**{**ANDi.tiny, "side": 0, **parameters})
    method.channels_, method.shape_, method.net_ = len(scan.modalities), scan.shape, Known(answer)
    return method


def clean_slices(scan):
    """The slices with brain, (n, C, X, Y) in [-1, 1], as the network's input without noise."""
    image = torch.from_numpy(2 * scan.image.astype(np.float16).astype(np.float32) - 1)
    return image.permute(3, 0, 1, 2)[scan.brain_mask.any(axis=(0, 1))]


def coefficients(t, side=16):
    """alpha and sigma at one time."""
    return (float(value) for value in log_snr.alpha_sigma(log_snr.cosine_log_snr(t, side)))


def test_the_default_network_has_the_published_number_of_weights_and_the_preset_the_card_s():
    for parameters, weights in [
        ({}, 7_537_025),
        (
            {"base": 16, "multipliers": (1, 1, 2, 2), "blocks": (1,) * 4, "attention": (2, 3), "dropped": ()},
            397_729,
        ),
    ]:
        method = ANDi(**parameters)
        method.channels_ = 1
        with torch.device("meta"):
            assert weight_count(method.build()) == weights


def test_a_network_that_knows_v_scores_zero():
    (scan,) = toy_scans(1, shape=SHAPE)
    clean = clean_slices(scan)

    def true_v(z, t):
        alpha, sigma = coefficients(float(t[0]))
        return (alpha * z - clean) / sigma

    method = with_network(true_v, scan)
    assert method.score(scan, Context()).max() < 1e-14
    assert [round(float(t[0]), 3) for _, t in method.net_.inputs] == [0.125, 0.105, 0.085, 0.065, 0.045]


def test_a_network_that_returns_zero_leaves_errors_of_known_size():
    """x_hat - x = alpha z - x = alpha sigma n - sigma^2 x."""
    (scan,) = toy_scans(1, shape=(64, 64, 4))
    clean = clean_slices(scan) * 0.2  # far from the clamp
    method = with_network(lambda z, t: torch.zeros_like(z), scan, start=100, stop=99, every=1)
    alpha, sigma = coefficients(0.1, 64)
    batch = replace(SliceStack([scan], Context()).spread(100), image=(clean + 1) / 2)
    (restored,) = method._restorations(scan, batch, Context())
    expected = (sigma**2 * clean).square() + (alpha * sigma) ** 2
    inside = alpha * clean.abs() + 4 * alpha * sigma < 1  # never clamped
    found = ((restored - clean).square() * inside).sum() / inside.sum()
    assert inside.any() and float(found) == pytest.approx(
        float((expected * inside).sum() / inside.sum()), rel=0.05
    )


def test_the_map_is_the_published_constant_times_the_geometric_mean_of_squared_errors():
    """A network whose restoration is off by 0.1 at every level; 224 pixels and the published levels."""
    (scan,) = toy_scans(1, shape=(224, 224, 4))
    image = np.clip(scan.image, 0, 0.9)  # the restoration stays below 1
    scan = replace(scan, image=image)
    clean = clean_slices(scan)

    def off(z, t):
        alpha, sigma = coefficients(float(t[0]), 224)
        return (alpha * z - clean - 0.1) / sigma

    method = with_network(off, scan, start=125, stop=25, every=1)
    found = method.score(scan, Context())
    np.testing.assert_allclose(found[scan.brain_mask], CONSTANT * 0.01, rtol=2e-3)
    assert (found[~scan.brain_mask] == 0).all() and len(method.net_.inputs) == 100


def test_the_map_is_the_geometric_mean_of_the_differences_of_posterior_means():
    """Written out as published: the two means of q(z_s | z_t, x) for the prediction and for the slice."""
    (scan,) = toy_scans(1, shape=SHAPE)
    method, clean, logs = fitted(toy_scans(2, shape=SHAPE), side=0), clean_slices(scan), []
    found = method.score(scan, Context())
    net, method.net_ = method.net_, Known(lambda z, t: torch.zeros_like(z))
    method.score(scan, Context())
    for z, t in method.net_.inputs:
        (alpha_t, sigma_t), (alpha_s, sigma_s) = (tuple(coefficients(float(u))) for u in (t[0], t[0] - 0.001))
        with torch.no_grad():
            predicted = (alpha_t * z - sigma_t * net(z, t)).clamp(-1, 1)
        r = (alpha_t * sigma_s / (alpha_s * sigma_t)) ** 2
        means = [r * alpha_s / alpha_t * z + (1 - r) * alpha_s * x for x in (predicted, clean)]
        logs.append(((means[0] - means[1]).double() ** 2).clamp(min=1e-30).log())
    expected = torch.stack(logs).mean(dim=0).exp()[:, 0].permute(1, 2, 0).numpy()
    brain = scan.brain_mask[..., scan.brain_mask.any(axis=(0, 1))]
    kept = found[..., scan.brain_mask.any(axis=(0, 1))]
    np.testing.assert_allclose(kept[brain], expected[brain], rtol=0.02, atol=1e-3 * kept.max())


def test_of_several_modalities_the_largest_mean_counts():
    (scan,) = toy_scans(1, ("t1", "t2"), shape=SHAPE)
    clean = clean_slices(scan)

    def off(z, t):
        alpha, sigma = coefficients(float(t[0]))
        target = clean.clone()
        target[:, 1] = clean[:, 1] - 0.2 * torch.sign(clean[:, 1])
        return (alpha * z - target) / sigma

    weight = log_snr.mean_weight(method_times := np.arange(125, 25, -20) / 1000, method_times - 0.001, 16)
    found = with_network(off, scan).score(scan, Context())[scan.brain_mask]
    np.testing.assert_allclose(found, 0.04 * np.exp(np.log(weight**2).mean()), rtol=1e-2)


def test_the_loss_is_the_squared_error_of_the_noise_that_follows_from_v():
    method, clean, seen = ANDi(), torch.rand(64, 1, 8, 8) * 2 - 1, []
    noise = method._training_noise(clean, 0, Context())

    def v(z, t):
        seen.append((z, t))
        alpha, sigma = (
            torch.from_numpy(c).float()[:, None, None, None]
            for c in log_snr.alpha_sigma(log_snr.cosine_log_snr(t.double().numpy(), 8))
        )
        torch.testing.assert_close(z, alpha * clean + sigma * noise, atol=1e-3, rtol=1e-3)
        return (noise + 0.5 - sigma * z) / alpha

    assert float(method.loss(Known(v), clean, 0, Context())) == pytest.approx(0.25, rel=1e-2)
    ((_, t),) = seen
    assert 0 <= t.min() < 0.1 and 0.9 < t.max() <= 1 and len(t.unique()) == 64


def test_the_first_loss_is_that_of_a_zero_v():
    method, clean = ANDi(), torch.rand(8, 1, 8, 8) * 2 - 1
    noise, t = method._training_noise(clean, 3, Context()), Context().rng("t", 3).random(8)
    alpha, sigma = (
        torch.from_numpy(c).float()[:, None, None, None]
        for c in log_snr.alpha_sigma(log_snr.cosine_log_snr(t, 8))
    )
    expected = (alpha * sigma * clean - alpha**2 * noise).square().mean()
    found = method.loss(Known(lambda z, t: torch.zeros_like(z)), clean, 3, Context())
    torch.testing.assert_close(found, expected)


def test_the_time_scale_reaches_training_and_scoring():
    (scan,) = toy_scans(1, shape=SHAPE)
    method = with_network(lambda z, t: torch.zeros_like(z), scan, time_scale=1000.0)
    method.loss(method.net_, clean_slices(scan), 0, Context())
    method.score(scan, Context())
    drawn, *levels = (t for _, t in method.net_.inputs)
    assert drawn.max() > 10 and [round(float(t[0])) for t in levels] == [125, 105, 85, 65, 45]


def test_components_do_not_need_a_certain_order_in_memory():
    (scan,) = toy_scans(1, ("t1", "t2"), shape=SHAPE)
    method = with_network(lambda z, t: torch.zeros_like(z), scan)
    other = replace(scan, image=np.asfortranarray(scan.image))
    for name, found in method.components(scan, Context()).items():
        np.testing.assert_array_equal(found.values, method.components(other, Context())[name].values)


def test_the_map_depends_neither_on_the_batch_size_nor_on_other_slices():
    require_independence_of_batches(fitted(toy_scans(2)))


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
@pytest.mark.parametrize("side", [0, 16])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities, side):
    assert inside_of_an_odd_grid(partial(fitted, side=side), modalities).min() > 0


def test_the_component_is_the_mean_restoration():
    (scan,) = toy_scans(1, shape=SHAPE)
    clean = clean_slices(scan)
    method = with_network(
        lambda z, t: torch.zeros_like(z), scan, start=1, stop=0, every=1
    )  # hardly any noise
    (found,) = method.components(scan, Context()).values()
    expected = ((clean[:, 0] + 1) / 2).permute(1, 2, 0).numpy()
    inside = scan.brain_mask.any(axis=(0, 1))
    volume = np.asarray(found.values)[..., inside]
    np.testing.assert_allclose(volume, expected * scan.brain_mask[..., inside], atol=0.02)


@pytest.mark.parametrize("parameters", [{}, {"noise": "gaussian", "causal": False}])
def test_the_loss_falls_on_a_fixed_batch(parameters):
    (scan,) = toy_scans(1, shape=SHAPE)
    method, ctx, clean = ANDi(**{**ANDi.tiny, "side": 0, **parameters}), Context(), clean_slices(scan)
    net = method.begin([scan], ctx)
    opt, losses = torch.optim.AdamW(net.parameters(), 3e-3), []
    for _ in range(60):
        loss = method.loss(net, clean, 0, ctx)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.7 * losses[0]


def test_a_resume_is_bit_equal(tmp_path):
    assert_resume_is_bit_equal(lambda: ANDi(**ANDi.tiny), "phase0", tmp_path)


def test_the_average_of_the_weights_scores():
    scans = toy_scans(2)
    latest = [fitted(scans, steps=steps, dropout=0.0).net_.state_dict() for steps in (1, 2)]
    fixed = [fitted(scans, steps=steps, dropout=0.0, decay=0.0).net_.state_dict() for steps in (1, 2)]
    name = "last.2.weight"  # initially 0
    torch.testing.assert_close(latest[0][name], 9 / 11 * fixed[0][name])
    torch.testing.assert_close(latest[1][name], 3 / 12 * latest[0][name] + 9 / 12 * fixed[1][name])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"multipliers": (1,)}, "no such network"),
        ({"base": 9}, "no such network"),
        ({"attention": (2,)}, "no such network"),
        ({"base": 24}, "no such network"),  # 48 channels with attention
        ({"stop": 125}, "no noise level"),
        ({"start": 20}, "no noise level"),
    ],
)
def test_impossible_combinations_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        ANDi(**{**ANDi.tiny, **wrong})


def test_variants_have_their_names():
    assert variant(ANDi()) == ""
    assert {variant(ANDi(**parameters)) for parameters in ANDi.variants.values()} == {"gaussian", "noncausal"}
