"""UniAD: weights, frozen features, training, maps, variants."""

import hashlib

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.helpers.method_maps import (
    inside_of_an_odd_grid,
    require_mean_of_modalities,
    scores_of_a_replaced_texture,
)
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.parts.features import kept
from uad_methods.parts.images.square import to_square
from uad_methods.parts.networks.efficientnet.b4 import EfficientNetB4
from uad_methods.parts.networks.resnet18 import ResNet18
from uad_methods.parts.training.descent import descend
from uad_methods.uniad import UniAD

TINY = {**UniAD.tiny, "extractor": "random"}


def fitted(scans, **parameters):
    method = UniAD(**{**TINY, **parameters})
    method.fit(scans, [], Context())
    return method


def test_the_paper_s_method_is_refused_without_weights():
    with pytest.raises(UsageError, match=r"uniad:self or uniad:random") as refusal:
        UniAD()
    assert "\n" not in str(refusal.value)
    assert [variant(UniAD(extractor=name)) for name in ("self", "random")] == ["self", "random"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"side": 100}, {"side": 16}, {"weights": "some.pth"}, {"window": 4}, {"grid": 7}, {"grid": 8, "window": 9},
        {"dims": 36}, {"dims": 9, "heads": 3},
    ],
)  # fmt: skip
def test_invalid_hyper_parameters_are_refused_in_one_line(wrong):
    with pytest.raises(UsageError) as refusal:
        UniAD(**{"extractor": "random", **wrong})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("grid", "window"), [(2, 1), (4, 3), (8, 7), (9, 7)])
def test_every_token_sees_another_one_where_the_window_is_not_refused(grid, window):
    method = UniAD(**{**TINY, "grid": grid, "window": window})
    assert (method.build().transformer.mask == 0).any(dim=1).all()


def test_only_the_method_with_given_weights_is_in_the_track_of_features():
    assert UniAD(weights="w.pth").learns_from() == "features"
    assert UniAD(extractor="self").learns_from() == "healthy"


@pytest.mark.parametrize(
    ("extractor", "frozen", "trained"),
    [("efficientnet_b4", 3_635_984, 7_717_392), ("resnet18", 2_782_784, 7_807_680)],
)
def test_defaults_have_the_published_counts_of_weights(extractor, frozen, trained):
    with torch.device("meta"):
        net = UniAD(weights="w.pth", extractor=extractor).build()
    assert [sum(p.numel() for p in part.parameters()) for part in (net.pyramid, net.transformer)] == [
        frozen,
        trained,
    ]


@pytest.mark.parametrize(("extractor", "make"), [("efficientnet_b4", EfficientNetB4), ("resnet18", ResNet18)])
def test_given_weights_are_loaded_frozen_and_their_digest_is_stored(extractor, make, tmp_path):
    path, given = tmp_path / "w.pth", make()
    torch.save(given.state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    method = fitted(toy_scans(2), extractor=extractor, weights=str(path), sha256=digest)
    assert method.weights_ == digest
    expected = given.state_dict()
    assert all(
        torch.equal(one, expected[name]) for name, one in method.net_.pyramid.resnet.state_dict().items()
    )
    assert not any(p.requires_grad for p in method.net_.pyramid.parameters())


def test_tokens_are_all_maps_resized_to_the_grid_with_aligned_corners():
    method, image = fitted(toy_scans(1)), torch.rand(3, 2, 32, 32)
    net = method.net_.eval()
    found, maps = net.tokens(image), net.pyramid(image)
    assert found.shape == (3, 2, 16, 4 + 8 + 16)
    grid = found.view(6, 4, 4, 28).movedim(3, 1)
    torch.testing.assert_close(grid[:, :4, ::3, ::3], maps[0][:, :, ::7, ::7])  # corners
    torch.testing.assert_close(grid[:, 12:, 1:3, 1:3].mean(dim=(2, 3)), maps[2].mean(dim=(2, 3)))


def test_standardised_tokens_have_mean_0_and_deviation_1():
    scans = toy_scans(2)
    method, image = fitted(scans, standardise=True), SliceStack(scans, Context()).spread(64).image
    tokens = method.net_.eval().tokens(to_square(image, 32)).flatten(0, 2)
    torch.testing.assert_close(tokens.mean(dim=0), torch.zeros(28), rtol=0, atol=1e-4)
    torch.testing.assert_close(tokens.std(dim=0), torch.ones(28), rtol=1e-3, atol=0)
    assert fitted(scans).net_.sd.eq(1).all() and fitted(scans).net_.mean.eq(0).all()


def test_a_channel_that_is_silent_while_it_settles_stays_within_fp16():
    net = fitted(toy_scans(1)).net_
    maps = torch.randn(8, 28, 4, 4, generator=torch.Generator().manual_seed(0))
    maps[:, 3] = 0
    net.pyramid.forward = lambda images: [maps]
    net.settle(torch.empty(8, 1, 32, 32))
    sounding = maps.clone()
    sounding[:, 3] = 0.1
    net.pyramid.forward = lambda images: [sounding]
    tokens = net.tokens(torch.empty(8, 1, 32, 32))
    assert tokens.half().isfinite().all() and tokens[..., 3].max().item() == pytest.approx(100, rel=0.1)


def test_training_on_a_fixed_batch_lowers_its_loss_and_leaves_the_features_as_they_are():
    scans = toy_scans(3)
    method = fitted(scans, steps=1, dropout=0.0, jitter=1.0)
    net, images = method.net_, SliceStack(scans, Context()).batch(7, 4).image
    tokens = net.tokens(to_square(images, 32))
    before = {name: value.clone() for name, value in net.pyramid.state_dict().items()}
    net.transformer.train()
    opt = torch.optim.AdamW(net.transformer.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        loss = method.batch_loss(tokens, 0, Context())
        losses.append(loss.item())
        descend(opt, loss, 0.1)
    assert losses[-1] < 0.7 * losses[0]
    assert all(torch.equal(value, before[name]) for name, value in net.pyramid.state_dict().items())


def test_noise_is_in_training_only_and_two_maps_are_equal():
    scans = toy_scans(1)
    method = fitted(scans, jitter=50.0)
    assert np.array_equal(*(method.score(scans[0], Context()) for _ in range(2)))
    tokens = torch.rand(2, 1, 16, 28)
    first, second = (method.batch_loss(tokens, step, Context()).item() for step in (0, 1))
    assert first != second


def test_the_learning_rate_falls_to_a_tenth_at_its_share_of_the_steps():
    method = UniAD(**{**TINY, "steps": 10, "drop_at": 0.8, "lr": 1e-3})
    assert [method.rate(step) for step in range(10)] == [1e-3] * 8 + [1e-4] * 2
    method.drop_at = 1.0
    assert method.rate(9) == 1e-3


def test_every_step_of_training_has_its_learning_rate(monkeypatch):
    rates = []
    monkeypatch.setattr(
        "uad_methods.uniad.descend", lambda opt, loss, clip: rates.append(opt.param_groups[0]["lr"])
    )
    fitted(toy_scans(1), steps=10, drop_at=0.8, lr=1e-3)
    assert rates == [1e-3] * 8 + [1e-4] * 2


def test_the_optimiser_is_adamw_as_set(monkeypatch):
    used = []
    monkeypatch.setattr("uad_methods.uniad.descend", lambda opt, loss, clip: used.append((opt, clip)))
    fitted(toy_scans(1), weight_decay=0.125, clip=0.25)
    opt, clip = used[-1]
    (group,) = opt.param_groups
    assert isinstance(opt, torch.optim.AdamW) and clip == 0.25
    assert (group["betas"], group["weight_decay"]) == ((0.9, 0.999), 0.125)


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 0.0), (1.0, 28**0.5)])
def test_equal_features_score_zero_and_a_difference_of_one_the_root_of_their_number(shift, expected):
    scans = toy_scans(1)  # no margin of the square is resized into the slice
    method, brain = fitted(scans), scans[0].brain_mask
    method.net_.transformer.forward = lambda tokens: tokens + shift
    found = method.score(scans[0], Context())
    np.testing.assert_allclose(found[brain], expected, rtol=1e-4, atol=1e-5)
    assert (found[~brain] == 0).all()


def test_a_difference_at_one_token_is_at_its_place_resized_with_aligned_corners():
    scans = toy_scans(1, shape=(32, 32, 4))
    method, grid = fitted(scans), torch.zeros(1, 1, 4, 4)
    grid[..., 1, 2] = 1
    method.net_.transformer.forward = lambda tokens: tokens + grid.view(16, 1)
    full = functional.interpolate(28**0.5 * grid, (32, 32), mode="bilinear", align_corners=True)[0, 0]
    expected = full.numpy()[..., None] * scans[0].brain_mask
    np.testing.assert_allclose(method.score(scans[0], Context()), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities):
    inside_of_an_odd_grid(fitted, modalities)


def test_the_map_of_several_modalities_is_the_mean_of_theirs():
    require_mean_of_modalities(fitted(toy_scans(1, ("t1", "t2")), steps=1))


def test_a_replaced_texture_of_equal_mean_scores_higher():
    scans = toy_scans(4, shape=(64, 64, 6))
    method = fitted(scans, side=64, width=8, grid=8, dims=32, batch=8, steps=200, jitter=5.0)
    before, after = scores_of_a_replaced_texture(method)
    assert after > 1.5 * before


@pytest.mark.parametrize("phase", ["extractor", "transformer"])
def test_a_resume_of_either_phase_is_bit_equal(phase, tmp_path):
    assert_resume_is_bit_equal(lambda: UniAD(**{**TINY, "extractor": "self"}), phase, tmp_path)


def test_without_kept_features_training_is_the_same_up_to_rounding(monkeypatch):
    scans = toy_scans(2)
    first = fitted(scans).score(scans[0], Context())
    monkeypatch.setattr(kept, "LIMIT", 0)
    np.testing.assert_allclose(fitted(scans).score(scans[0], Context()), first, rtol=1e-2, atol=1e-3)


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not():
    scans, states = toy_scans(2), []
    for seed in (1, 1, 2):
        method = UniAD(**TINY)
        method.fit(scans, [], Context(seed=seed))
        states.append(method.net_.state_dict()["transformer.entry.weight"])
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])
