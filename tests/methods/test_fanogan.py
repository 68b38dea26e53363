"""f-AnoGAN: losses of both phases, order of updates, map, resumed training."""

import numpy as np
import pytest
import torch

from tests.helpers.networks import weight_count
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods import fanogan
from uad_methods.fanogan import FAnoGAN
from uad_methods.parts.training.adversarial import gradient_penalty


def built(channels=1, **parameters):
    method = FAnoGAN(**parameters)
    method.channels_ = channels
    method.net_ = method.build()
    return method


def fitted(scans, **parameters):
    method = FAnoGAN(**{**FAnoGAN.tiny, **parameters})
    method.fit(scans, scans, Context())
    return method


def test_the_critic_s_loss_is_the_difference_of_means_plus_ten_penalties():
    method = built(side=32, width=4, batch=3)
    real = torch.rand(3, 1, 32, 32) * 2 - 1
    found = method._critic_loss(real, Context(), 7)
    generator, critic, _ = method._nets
    rng = Context().torch_rng("critic", 7)
    fake = generator(torch.randn((3, 128), generator=rng)).detach()
    penalty = gradient_penalty(critic, real, fake, rng)
    torch.testing.assert_close(found, critic(fake).mean() - critic(real).mean() + 10 * penalty)


def weights_after(steps, **parameters):
    return fitted(toy_scans(2), encoder_steps=steps, **parameters).net_.state_dict()


@pytest.mark.parametrize("drift", [False, True])
def test_the_encoder_s_phase_changes_the_gan_only_by_drift(drift):
    short, long = weights_after(1, drift=drift), weights_after(4, drift=drift)
    moved = {key for key in short if not torch.equal(short[key], long[key])}
    assert any(key.startswith("encoder") for key in moved)
    rest = {key for key in moved if not key.startswith("encoder")}
    assert all(key.startswith("generator") and ("running" in key or "batches" in key) for key in rest)
    assert bool(rest) == drift
    assert variant(FAnoGAN(drift=drift)) == ("drift" if drift else "")


def record_updates(monkeypatch, record):
    """Call `record` with the number of weights and the loss of every optimiser step."""
    original = fanogan.descend

    def descend(opt, loss):
        record(sum(p.numel() for group in opt.param_groups for p in group["params"]), float(loss.detach()))
        original(opt, loss)

    monkeypatch.setattr(fanogan, "descend", descend)


def test_a_step_of_the_gan_updates_the_critic_critic_steps_times_and_the_generator_once(monkeypatch):
    method, sizes, scans = FAnoGAN(**{**FAnoGAN.tiny, "gan_steps": 2, "critic_steps": 3}), [], toy_scans(2)
    method.begin(scans, Context())
    record_updates(monkeypatch, lambda size, loss: sizes.append(size))
    method._fit_gan(SliceStack(scans, Context()), Context())
    generator, critic, _ = (weight_count(net) for net in method._nets)
    assert sizes == 2 * [critic, critic, critic, generator]


def test_the_generator_s_loss_is_the_negative_critic_value(monkeypatch):
    method, pairs, scans = FAnoGAN(**{**FAnoGAN.tiny, "gan_steps": 2}), [], toy_scans(2)
    method.begin(scans, Context())
    generator, critic, _ = method._nets

    def record(size, loss):
        if size == weight_count(generator):
            with torch.no_grad():
                codes = method._random_codes(Context().torch_rng("codes", len(pairs)))
                pairs.append((loss, float(-critic(generator(codes)).mean())))

    record_updates(monkeypatch, record)
    method._fit_gan(SliceStack(scans, Context()), Context())
    losses, expected = zip(*pairs, strict=True)
    assert list(losses) == pytest.approx(expected, rel=1e-4) and len(pairs) == 2


@pytest.mark.parametrize("kappa", [0.0, 3.0])
def test_the_encoder_s_loss_compares_images_and_features(monkeypatch, kappa):
    method = FAnoGAN(**{**FAnoGAN.tiny, "encoder_steps": 1, "kappa": kappa})
    method.begin(toy_scans(2), Context())
    stack = SliceStack(toy_scans(2), Context())
    generator, critic, encoder = method._nets
    real = method._network_input(stack.batch(0, method.batch).image)
    taken, before = [], {key: value.clone() for key, value in method.net_.state_dict().items()}
    monkeypatch.setattr(fanogan, "descend", lambda opt, loss: taken.append(float(loss)))
    method._fit_encoder(stack, Context())
    method.net_.load_state_dict(before)
    generator.eval()
    critic.eval()
    encoder.train()
    with torch.no_grad():
        fake = generator(encoder(real))
        wanted = ((fake - real) ** 2).mean() + kappa * (
            (critic.features(fake) - critic.features(real)) ** 2
        ).mean()
    assert taken == [pytest.approx(float(wanted), rel=1e-5)]


def test_the_encoder_s_loss_falls():
    losses, ctx = [], Context()
    ctx.policy.sink = lambda v: losses.append(v["loss"]) if v["phase"] == "encoder" else None
    scans = toy_scans(2)
    longer = {"batch": 12, "gan_steps": 15, "gan_lr": 2e-3, "encoder_steps": 30, "encoder_lr": 1e-3}
    FAnoGAN(**{**FAnoGAN.tiny, **longer}).fit(scans, scans, ctx)
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    found = fitted(scans).score(scans[0], Context())
    assert found.shape == (33, 21, 5) and (found[~scans[0].brain_mask] == 0).all() and found.min() >= 0


def test_the_map_is_the_residual_on_the_scale_of_the_scan():
    scan = toy_scans(1, shape=(32, 32, 4))[0]
    method = fitted([scan, scan])
    generator, _, encoder = (net.eval() for net in method._nets)
    x = torch.from_numpy(scan.image[0, :, :, 2].astype(np.float16)).float()[None, None]
    with torch.no_grad():
        guess = (generator(encoder(2 * x - 1)) + 1) / 2
    expected = (x - guess).abs()[0, 0].numpy() * scan.brain_mask[..., 2]
    np.testing.assert_allclose(method.score(scan, Context())[..., 2], expected, atol=1e-5)


def test_a_batch_of_slices_scores_as_single_slices():
    scans = toy_scans(2)
    method = fitted(scans)
    single = method.score_slices(scans[0], Context(), method._residual, 1)
    np.testing.assert_allclose(method.score(scans[0], Context()), single, atol=1e-5)


def test_a_side_that_is_no_multiple_of_16_is_refused():
    with pytest.raises(UsageError, match="multiple of 16"):
        FAnoGAN(side=40)


@pytest.mark.parametrize("phase", ["gan", "encoder"])
def test_a_resume_in_either_phase_is_bit_equal(phase, tmp_path):
    assert_resume_is_bit_equal(lambda: FAnoGAN(**FAnoGAN.tiny), phase, tmp_path)
