"""cDDPM: conditioning of every block, mean over timesteps, pretraining, resumed training."""

from functools import partial

import numpy as np
import pytest
import torch

from tests.helpers.networks import weight_count
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.cddpm import ALPHA_BAR, CDDPM, to_unit_range
from uad_methods.parts.batches import Batches
from uad_methods.parts.diffusion import q_sample
from uad_methods.parts.networks.diffusion_blocks import Block


def made(**parameters):
    return CDDPM(**{**CDDPM.tiny, **parameters})


def fitted(scans, **parameters):
    method = made(**parameters)
    method.fit(scans, scans, Context())
    return method


def begun(**parameters):
    method = made(**parameters)
    method.begin(toy_scans(1), Context())
    return method


def clean_slices(n=4):
    return 2 * torch.rand(n, 1, 16, 16, generator=torch.Generator().manual_seed(1)) - 1


def stepped(method, clean):
    """One step of Adam, after which the last convolutions are no longer zero."""
    opt = torch.optim.Adam(method.net_.parameters(), 1e-2)
    method.loss(method.net_, clean, 0, Context()).backward()
    opt.step()


def test_weight_counts_are_as_published():
    method = CDDPM()
    method.channels_ = 1
    with torch.device("meta"):
        net = method.build()
    assert (weight_count(net.encoder), weight_count(net.denoiser)) == (24_550_848, 44_068_481)


def test_the_condition_changes_the_output_after_training_steps_and_not_before():
    method, clean = begun(), clean_slices()
    method.net_.eval()
    t, conditions = torch.tensor([100] * 4), torch.randn(2, 4, 32)
    before = [method.net_.denoiser(clean, t, c) for c in conditions]
    assert torch.equal(*before) and not before[0].any()
    # Zero-initialised layers get a gradient one after the other, from the output inwards.
    for _ in range(2):
        stepped(method, clean)
    after = [method.net_.denoiser(clean, t, c) for c in conditions]
    assert (after[0] - after[1]).abs().max() > 1e-4


def test_the_condition_reaches_every_block_and_gradients_reach_the_encoder():
    method, clean = begun(), clean_slices()
    with torch.no_grad():
        for p in method.net_.parameters():  # of the encoder too: every block starts as its shortcut
            p.add_(0.05 * torch.randn(p.shape, generator=torch.Generator().manual_seed(0)))
    method.loss(method.net_, clean, 0, Context()).backward()
    blocks = [m for m in method.net_.denoiser.modules() if isinstance(m, Block)]
    assert len(blocks) == 10
    for block in blocks:
        of_condition = block.embed[1].weight.grad[:, block.embed[1].in_features // 2 :]
        assert of_condition.abs().max() > 0
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in method.net_.encoder.parameters())


def test_in_bf16_on_a_cpu_the_encoder_alone_computes_in_float32():
    """torch leaves bf16 gradients uninitialised on a CPU where a map has one pixel, as with these slices."""
    method, kinds = begun(), {}
    parts = {"encoder": method.net_.encoder.layer4[0].conv2, "denoiser": method.net_.denoiser.first}
    for name, part in parts.items():
        part.register_forward_hook(lambda _, given, out, name=name: kinds.update({name: out.dtype}))
    method.loss(method.net_, clean_slices(), 0, Context(precision="bf16"))
    assert kinds == {"encoder": torch.float32, "denoiser": torch.bfloat16}


def test_the_encoder_receives_the_clean_slice_in_0_to_1_and_the_denoiser_the_noised_one(monkeypatch):
    method, clean, seen = begun(), clean_slices(), {}
    parts = {"encoder": method.net_.encoder, "denoiser": method.net_.denoiser}
    for name, part in parts.items():
        part.register_forward_pre_hook(lambda _, given, name=name: seen.update({name: given}))
    method.loss(method.net_, clean, 5, Context())
    assert torch.equal(seen["encoder"][0], (clean + 1) / 2) and seen["encoder"][0].min() >= 0
    t = seen["denoiser"][1]
    noised = q_sample(clean, method.training_noise(clean, 5, Context()), t, ALPHA_BAR)
    assert torch.equal(seen["denoiser"][0], noised)


def test_the_restoration_is_the_mean_over_timesteps_of_single_passes():
    method, clean = begun(starts=(100, 400, 900)), clean_slices(5)
    stepped(method, clean)
    net = method.net_.eval()

    def noise(t):
        return torch.randn(clean.shape, generator=torch.Generator().manual_seed(t))

    singles = []
    for start in method.starts:
        t = torch.full((5,), start - 1)
        singles.append(net(q_sample(clean, noise(start - 1), t, ALPHA_BAR), t, clean))
        method.starts = (start,)
        torch.testing.assert_close(method.restore(clean, noise, Batches(2, "cpu")), singles[-1])
    method.starts = (100, 400, 900)
    torch.testing.assert_close(
        method.restore(clean, noise, Batches(3, "cpu")), torch.stack(singles).mean(dim=0)
    )


@pytest.mark.parametrize("fields", ["batch", "slice"])
def test_each_timestep_has_its_own_noise_and_so_has_each_slice_in_a_variant(fields):
    method, drawn = fitted(toy_scans(2), fields=fields), {}
    method.restore = lambda clean, noise, _: drawn.update({t: noise(t) for t in (249, 499)}) or clean
    method.score(toy_scans(1)[0], Context())
    assert not torch.allclose(drawn[249], drawn[499])
    assert torch.allclose(drawn[249][0], drawn[249][1]) == (fields == "batch")


def test_intensities_are_augmented_in_training_if_vary_is_set():
    scans, ctx = toy_scans(3), Context()
    batch = SliceStack(scans, ctx).batch(0, 12)
    method, plain = (fitted(scans, vary=v) for v in (True, False))
    assert plain.augment(batch, 0, ctx) is batch.image
    changed = method.augment(batch, 0, ctx)
    assert torch.equal(changed, method.augment(batch, 0, ctx))
    assert not torch.equal(changed, method.augment(batch, 1, ctx))
    moved = (changed - batch.image).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert 3 <= int(moved.sum()) <= 12


def weights(scans, **parameters):
    return fitted(scans, **parameters).net_.state_dict()


def test_pretraining_changes_only_the_encoder_trunk_and_lowers_its_loss():
    scans, losses, method = toy_scans(3), [], made(pretrained=True, masked_steps=40, masked_lr=3e-3, batch=8)
    before = {k: v.clone() for k, v in begun().net_.state_dict().items()}
    ctx = Context()
    ctx.policy.sink = lambda values: losses.append(values["loss"])
    method.begin(scans, ctx)
    method.pretrain(SliceStack(scans, ctx), ctx)
    after = method.net_.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    trunk = {name for name in before if name.startswith("encoder.") and not name.startswith("encoder.fc.")}
    assert moved == trunk
    assert np.mean(losses[-8:]) < 0.6 * np.mean(losses[:8])


def test_the_denoiser_s_phase_starts_with_the_pretrained_encoder():
    scans, one = toy_scans(2), {"steps": 1, "checked": 0, "lr": 1e-6}
    plain = weights(scans, **one)
    short, long = (weights(scans, **one, pretrained=True, masked_steps=steps) for steps in (1, 9))
    name = "encoder.conv1.weight"
    steps = [float((found[name] - plain[name]).abs().mean()) for found in (short, long)]
    assert 5e-5 < steps[0] < steps[1]
    assert variant(CDDPM(pretrained=True)) == "pretrained" and variant(CDDPM()) == ""


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
@pytest.mark.parametrize("side", [0, 16])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities, side):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    found = fitted(scans, side=side, pretrained=True).score(scans[0], Context())
    assert found.shape == (33, 21, 5) and (found[~scans[0].brain_mask] == 0).all() and found.min() >= 0


def test_a_batch_of_slices_scores_as_single_slices():
    scans = toy_scans(2)
    method = fitted(scans, steps=8, lr=1e-2)
    together = method.score(scans[0], Context())
    single = method.score_slices(scans[0], Context(), partial(method._residual, scans[0], Context()), 1)
    np.testing.assert_allclose(together, single, atol=1e-5)
    assert together.std() > 0


def test_background_is_zero_for_the_encoder():
    assert to_unit_range(torch.tensor([-1.0, 0.0, 1.0])).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts": ()},
        {"starts": (0, 500)},
        {"starts": (1001,)},
        {"encoder_width": 6},
        {"encoder_blocks": (1, 1, 0, 1)},
    ],
)
def test_invalid_hyper_parameters_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        made(**wrong)


@pytest.mark.parametrize("phase", ["masked", "phase1"])
def test_a_resume_in_either_phase_is_bit_equal(phase, tmp_path):
    assert_resume_is_bit_equal(lambda: made(pretrained=True), phase, tmp_path)
