"""RD4AD: weights, frozen teacher, training, maps, variants."""

import hashlib

import numpy as np
import pytest
import torch

from tests.helpers.method_maps import (
    inside_of_an_odd_grid,
    require_mean_of_modalities,
    require_smoothing,
    scores_of_a_replaced_texture,
)
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.parts.features.distillation import direction_loss
from uad_methods.parts.images.square import to_square
from uad_methods.parts.networks.resnet18 import ResNet18
from uad_methods.parts.training.descent import descend
from uad_methods.rd4ad import RD4AD

TINY = {**RD4AD.tiny, "extractor": "random"}


def fitted(scans, **parameters):
    method = RD4AD(**{**TINY, **parameters})
    method.fit(scans, [], Context())
    return method


def copied(state):
    return {name: value.clone() for name, value in state.items()}


@pytest.mark.parametrize("wrong", [{"side": 100}, {"side": 0}, {"side": 32}, {"weights": "some.pth"}])
def test_invalid_hyper_parameters_are_refused(wrong):
    with pytest.raises(UsageError):
        RD4AD(**{"extractor": "random", **wrong})


def test_defaults_have_the_published_counts_of_weights():
    for method, frozen, trained in (
        (RD4AD(weights="w.pth"), 24_862_528, 83_802_624),
        (RD4AD(weights="w.pth", extractor="resnet18"), 2_782_784, 15_383_168),
    ):
        with torch.device("meta"):
            net = method.build()
        counts = [sum(p.numel() for p in part.parameters()) for part in (net.teacher, net.student)]
        assert counts == [frozen, trained]


def test_given_weights_are_loaded_frozen_and_their_digest_is_stored(tmp_path):
    path, given = tmp_path / "resnet18.pth", ResNet18(stages=3)
    torch.save(given.state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    method = fitted(toy_scans(2), extractor="resnet18", weights=str(path), sha256=digest, steps=1)
    assert method.weights_ == digest and variant(method) == "resnet18"
    after = method.net_.teacher.resnet.state_dict()
    assert all(torch.equal(after[name], value) for name, value in given.state_dict().items())


@pytest.mark.parametrize("loss", ["image", "position"])
def test_a_step_lowers_the_loss_of_its_batch_and_leaves_the_teacher_as_it_is(loss):
    scans, ctx = toy_scans(3), Context()
    method = fitted(scans, loss=loss, steps=1)
    net, batch = method.net_.train(), SliceStack(scans, ctx).batch(7, 4)
    before = copied(net.teacher.state_dict())
    opt = torch.optim.Adam(net.student.parameters(), 1e-3)
    losses = []
    for _ in range(4):
        value = method.batch_loss(batch, ctx)
        losses.append(value.item())
        descend(opt, value)
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.95 * losses[0]
    assert all(torch.equal(value, before[name]) for name, value in net.teacher.state_dict().items())
    assert not any(p.requires_grad or p.grad is not None for p in net.teacher.parameters())


def test_the_loss_is_that_of_images_or_of_positions_as_set():
    scans, ctx = toy_scans(3), Context()
    method, batch, values = fitted(scans, steps=1), SliceStack(scans, ctx).batch(7, 4), []
    with torch.no_grad():
        maps = method.net_.train()(to_square(batch.image, 64))
        for method.loss in ("image", "position"):
            values.append(method.batch_loss(batch, ctx).item())
    expected = [direction_loss(*maps, position=position).item() for position in (False, True)]
    assert values == pytest.approx(expected, rel=1e-5) and abs(values[0] - values[1]) > 0.01


def test_the_student_is_in_train_mode_in_every_step():
    assert fitted(toy_scans(1), steps=4).net_.student.fuse_middle[1].num_batches_tracked == 4


def test_training_lowers_the_loss():
    losses, ctx = [], Context()
    ctx.policy.sink = lambda values: losses.append(values["loss"])
    RD4AD(**{**TINY, "steps": 40, "batch": 4}).fit(toy_scans(4), [], ctx)
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_the_optimiser_is_adam_as_set(monkeypatch):
    used = []
    monkeypatch.setattr("uad_methods.rd4ad.descend", lambda opt, loss: used.append(opt.param_groups))
    fitted(toy_scans(2), lr=2e-3, beta1=0.25, weight_decay=0.125, steps=2)
    (group,) = used[-1]
    assert (group["lr"], group["betas"], group["weight_decay"]) == (2e-3, (0.25, 0.999), 0.125)


@pytest.mark.parametrize(("factor", "expected"), [(1.0, 0.0), (2.5, 0.0), (-1.0, 6.0)])
def test_equal_directions_score_zero_and_opposite_ones_six(factor, expected):
    scans = toy_scans(2, shape=(33, 21, 5))
    method, brain = fitted(scans, steps=1), scans[0].brain_mask
    net, plain = method.net_, method.net_.teacher.forward
    # the narrow network of the test has positions with 0 in all channels, which have no direction
    net.teacher.forward = lambda images: [one + 0.1 for one in plain(images)]
    net.student.forward = lambda maps: [factor * one for one in maps]
    found = method.score(scans[0], Context())
    np.testing.assert_allclose(found[brain], expected, atol=2e-5)
    assert (found[~brain] == 0).all()


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities):
    assert inside_of_an_odd_grid(fitted, modalities).max() <= 6


def test_the_map_of_several_modalities_is_the_mean_of_theirs():
    require_mean_of_modalities(fitted(toy_scans(1, ("t1", "t2")), steps=1))


def test_the_map_is_smoothed_before_it_returns_to_the_slice():
    method = fitted(toy_scans(1), steps=1)
    require_smoothing(method, method._map)


def test_a_replaced_texture_of_equal_mean_scores_higher():
    method = fitted(toy_scans(4, shape=(64, 64, 6)), width=8, batch=4, steps=60, sigma=0.0)
    before, after = scores_of_a_replaced_texture(method)
    assert after > 1.5 * before


@pytest.mark.parametrize("phase", ["extractor", "student"])
def test_a_resume_of_either_phase_is_bit_equal(phase, tmp_path):
    assert_resume_is_bit_equal(lambda: RD4AD(**{**TINY, "extractor": "self"}), phase, tmp_path)


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not():
    scans, states = toy_scans(2), []
    for seed in (1, 1, 2):
        method = RD4AD(**TINY)
        method.fit(scans, [], Context(seed=seed))
        states.append(method.net_.state_dict()["student.fuse_middle.0.weight"])
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])
