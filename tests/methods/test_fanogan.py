"""f-AnoGAN: the networks of the card, two phases that leave each other alone, any grid, resume by phase."""

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


def block(a, b, inner):
    """Weights of a residual block: two norms, 3x3 without and with bias, 1x1 with bias."""
    return 2 * a + 2 * inner + 9 * a * inner + 9 * inner * b + b + a * b + b


def test_the_networks_have_the_weights_that_the_card_s_description_adds_up_to():
    generator, critic, encoder = built()._nets
    down = [(64, 128), (128, 256), (256, 512), (512, 512)]
    trunk = 9 * 64 + 64 + sum(block(a, b, inner=a) for a, b in down)
    up = [(512, 512), (512, 256), (256, 128), (128, 64)]
    made = 129 * 8192 + sum(block(a, b, inner=b) for a, b in up) + 2 * 64 + 9 * 64 + 1
    assert weight_count(critic) == trunk + 8193
    assert weight_count(encoder) == trunk + 8193 * 128
    assert weight_count(generator) == made


@pytest.mark.parametrize(("side", "channels"), [(64, 1), (96, 2)])
def test_shapes_and_ranges(side, channels):
    generator, critic, encoder = built(channels, side=side, width=4)._nets
    images = torch.rand(3, channels, side, side)
    codes = encoder(images)
    assert codes.shape == (3, 128) and codes.abs().max() <= 1
    assert generator(codes).shape == images.shape and generator(codes).abs().max() <= 1
    assert critic.features(images).shape == (3, 8 * 4 * (side // 16) ** 2) and critic(images).shape == (3,)


def test_the_critic_s_loss_is_the_two_means_and_ten_penalties():
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
def test_the_encoder_s_phase_leaves_the_gan_alone_but_for_the_drift_that_is_asked_for(drift):
    short, long = weights_after(1, drift=drift), weights_after(4, drift=drift)
    moved = {key for key in short if not torch.equal(short[key], long[key])}
    assert any(key.startswith("encoder") for key in moved)
    rest = {key for key in moved if not key.startswith("encoder")}
    assert all(key.startswith("generator") and ("running" in key or "batches" in key) for key in rest)
    assert bool(rest) == drift
    assert variant(FAnoGAN(drift=drift)) == ("drift" if drift else "")


def watched(monkeypatch, look):
    """Every step that a training takes: `look` at its number of weights and its loss, before it is taken."""
    usual = fanogan.descend

    def descend(opt, loss):
        look(sum(p.numel() for group in opt.param_groups for p in group["params"]), float(loss))
        usual(opt, loss)

    monkeypatch.setattr(fanogan, "descend", descend)


def test_a_step_of_the_gan_is_so_many_of_the_critic_and_one_of_the_generator(monkeypatch):
    method, sizes, scans = FAnoGAN(**{**FAnoGAN.tiny, "gan_steps": 2, "critic_steps": 3}), [], toy_scans(2)
    method.begin(scans, Context())
    watched(monkeypatch, lambda size, loss: sizes.append(size))
    method._fit_gan(SliceStack(scans, Context()), Context())
    generator, critic, _ = (weight_count(net) for net in method._nets)
    assert sizes == 2 * [critic, critic, critic, generator]


def test_the_generator_is_paid_for_what_the_critic_calls_real(monkeypatch):
    method, pairs, scans = FAnoGAN(**{**FAnoGAN.tiny, "gan_steps": 2}), [], toy_scans(2)
    method.begin(scans, Context())
    generator, critic, _ = method._nets

    def look(size, loss):
        if size == weight_count(generator):
            with torch.no_grad():
                codes = method._random_codes(Context().torch_rng("codes", len(pairs)))
                pairs.append((loss, float(-critic(generator(codes)).mean())))

    watched(monkeypatch, look)
    method._fit_gan(SliceStack(scans, Context()), Context())
    losses, expected = zip(*pairs, strict=True)
    assert list(losses) == pytest.approx(expected, rel=1e-4) and len(pairs) == 2


@pytest.mark.parametrize("kappa", [0.0, 3.0])
def test_the_encoder_s_loss_is_that_of_pictures_and_features(monkeypatch, kappa):
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
def test_odd_grids_and_several_channels_give_maps_that_are_zero_outside(modalities):
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


def test_a_batch_of_slices_is_scored_as_one_by_one():
    scans = toy_scans(2)
    method = fitted(scans)
    single = method.score_slices(scans[0], Context(), method._residual, 1)
    np.testing.assert_allclose(method.score(scans[0], Context()), single, atol=1e-5)


def test_a_side_that_four_halvings_do_not_divide_is_refused():
    with pytest.raises(UsageError, match="multiple of 16"):
        FAnoGAN(side=40)


@pytest.mark.parametrize("phase", ["gan", "encoder"])
def test_a_resume_in_either_phase_is_bit_equal(phase, tmp_path):
    assert_resume_is_bit_equal(lambda: FAnoGAN(**FAnoGAN.tiny), phase, tmp_path)


def test_training_in_bf16_gives_a_finite_map():
    scans, ctx = toy_scans(2), Context(precision="bf16")
    method = FAnoGAN(**FAnoGAN.tiny)
    method.fit(scans, scans, ctx)
    assert np.isfinite(method.score(scans[0], ctx)).all()
