"""DDPM: both losses, one pass and the reverse process, batch sizes, resumed training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.helpers.known_noise import Known
from tests.helpers.networks import weight_count
from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context
from uad_bench.method.base import variant
from uad_bench.testing import toy_scans
from uad_methods.ddpm import DDPM
from uad_methods.parts import diffusion
from uad_methods.parts.batches import Batches

ANODDPM = {**DDPM.variants["anoddpm"], **DDPM.tiny}


def fitted(scans, **parameters):
    method = DDPM(**{**DDPM.tiny, **parameters})
    method.fit(scans, scans, Context())
    return method


def with_network(answer, scan, **parameters):
    """A method for the grid of `scan` whose network returns `answer(x, t)`."""
    method = DDPM(**{**DDPM.tiny, "side": 0, **parameters})
    method.channels_, method.shape_, method.net_ = len(scan.modalities), scan.shape, Known(answer)
    return method


def test_weight_counts_of_baseline_and_anoddpm_are_as_published():
    published = {"widths": (128, 128, 256, 256, 512, 512), "blocks": 2, "attention": (3, 4, 5)}
    for parameters, weights in [({}, 34_493_313), (published, 131_649_793)]:
        method = DDPM(**parameters)
        method.channels_ = 1
        with torch.device("meta"):
            assert weight_count(method.build()) == weights


def test_loss_is_the_mean_absolute_error_of_the_predicted_clean_slice():
    method, clean = DDPM(), torch.rand(3, 1, 8, 8) * 2 - 1
    assert method.loss(Known(lambda x, t: clean), clean, 0, Context()) == 0
    found = method.loss(Known(lambda x, t: clean + 0.25 * torch.sign(clean)), clean, 0, Context())
    assert float(found) == pytest.approx(0.25, abs=1e-6)


def test_the_network_receives_the_noised_slice_and_its_timestep():
    method, clean, net = DDPM(trained=300, start=200), torch.zeros(64, 1, 8, 8), Known(lambda x, t: x)
    method.loss(net, clean, 0, Context())
    ((x, t),) = net.inputs
    assert t.max() < 300 and len(t.unique()) > 40
    noise = method.training_noise(clean, 0, Context())
    torch.testing.assert_close(x, diffusion.q_sample(clean, noise, t, diffusion.cosine()))


def test_loss_of_anoddpm_is_the_squared_error_of_the_predicted_noise():
    method, clean = DDPM(**DDPM.variants["anoddpm"]), torch.rand(3, 1, 8, 8) * 2 - 1
    noise = method.training_noise(clean, 5, Context())
    found = method.loss(Known(lambda x, t: noise + 0.5), clean, 5, Context())
    assert float(found) == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize("fields", ["slice", "batch"])
def test_noise_is_one_field_per_slice_or_one_per_batch(fields):
    noise = DDPM(fields=fields).training_noise(torch.zeros(3, 2, 8, 8), 0, Context())
    assert torch.equal(noise[0], noise[1]) == (fields == "batch")
    assert not torch.equal(noise[0, 0], noise[0, 1])


def test_the_map_is_the_residual_of_one_pass_on_the_scan_s_scale():
    scan = toy_scans(1, shape=(16, 12, 4))[0]
    method = with_network(lambda x, t: torch.full_like(x, -0.5), scan, start=500)
    found = method.score(scan, Context())
    ((_, t),) = method.net_.inputs
    assert set(t.tolist()) == {499}
    image = scan.image[0].astype(np.float16).astype(np.float32)
    np.testing.assert_allclose(found, np.abs(image - 0.25) * scan.brain_mask, atol=1e-5)


def test_the_reverse_process_returns_to_the_slice_if_the_noise_is_known():
    """Whatever noise is added, the prediction of x_0 is x_0, and so is the result."""
    scan, abar = toy_scans(1, shape=(16, 12, 4))[0], diffusion.linear()
    z = np.flatnonzero(scan.brain_mask.any(axis=(0, 1)))
    clean = torch.from_numpy(2 * scan.image.astype(np.float16).astype(np.float32) - 1).permute(3, 0, 1, 2)[z]

    def noise_in(x, t):
        return diffusion.noise_from_clean(x, clean, t, abar)

    method = with_network(noise_in, scan, **{**DDPM.variants["anoddpm"], "every": 50})
    assert method.score(scan, Context()).max() < 1e-8
    assert [int(t[0]) for _, t in method.net_.inputs] == [199, 149, 99, 49]


def test_the_reverse_process_adds_new_noise_at_each_step_but_the_last():
    scan = toy_scans(1, shape=(16, 12, 4))[0]
    timesteps = []
    method = with_network(lambda x, t: torch.zeros_like(x), scan, **{**DDPM.variants["anoddpm"], "every": 80})
    clean = method.network_input(torch.rand(2, 1, 16, 12))

    def noise(t):
        timesteps.append(t)
        return torch.zeros_like(clean)

    method.restore(clean, noise, Batches(1, "cpu"))
    assert timesteps == [199, 119, 39]


@pytest.mark.parametrize("parameters", [{}, {"fields": "batch"}, ANODDPM])
def test_the_map_does_not_depend_on_the_batch_size(parameters):
    scan = toy_scans(1)[0]
    method = fitted(toy_scans(2), **{**parameters, "side": 0})
    maps = []
    for size in (1, 3, "auto"):
        method.batch_size, method._batches = size, None
        maps.append(method.score(scan, Context()))
    np.testing.assert_allclose(maps[0], maps[2], atol=1e-4)
    np.testing.assert_allclose(maps[1], maps[2], atol=1e-4)
    assert maps[0].max() > 1e-3


def test_the_noise_of_a_slice_depends_on_no_other_slice():
    scan = toy_scans(1)[0]
    method = fitted(toy_scans(2))
    whole = method.score(scan, Context())
    upper = scan.brain_mask & (np.arange(scan.shape[2]) >= scan.shape[2] // 2)
    found = method.score(replace(scan, brain_mask=upper), Context())
    np.testing.assert_allclose(found, whole * upper, atol=1e-5)
    assert found.any()


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
@pytest.mark.parametrize("side", [0, 16])
@pytest.mark.parametrize("parameters", [{}, ANODDPM])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities, side, parameters):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    found = fitted(scans, **{**parameters, "side": side}).score(scans[0], Context())
    assert found.shape == (33, 21, 5) and (found[~scans[0].brain_mask] == 0).all() and found.min() >= 0


def test_padding_is_background():
    method = DDPM(side=0)
    found = method.network_input(torch.ones(1, 1, 5, 6))
    assert found.shape == (1, 1, 8, 8) and (found[..., 5:, :] == -1).all() and (found[..., :5, :6] == 1).all()


@pytest.mark.parametrize("parameters", [{}, ANODDPM])
def test_the_loss_falls(parameters):
    losses, ctx = [], Context()
    ctx.policy.sink = lambda v: losses.append(v["loss"]) if "loss" in v else None
    scans, longer = toy_scans(2, shape=(16, 16, 8)), {"side": 0, "steps": 40, "lr": 3e-3, "batch": 8}
    DDPM(**{**DDPM.tiny, **parameters, **longer, "checked": 0}).fit(scans, scans, ctx)
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_an_out_of_memory_error_does_not_change_the_map():
    scan = toy_scans(1)[0]
    method = fitted(toy_scans(2))
    whole, net = method.score(scan, Context()), method.net_

    class Small(torch.nn.Module):
        def forward(self, x, t):
            if len(x) > 3:
                raise torch.OutOfMemoryError
            return net(x, t)

    method.net_, method._batches = Small(), None
    np.testing.assert_allclose(method.score(scan, Context()), whole, atol=1e-4)
    assert method._batches.halved


@pytest.mark.parametrize("parameters", [{}, ANODDPM])
def test_a_resume_is_bit_equal(parameters, tmp_path):
    assert_resume_is_bit_equal(lambda: DDPM(**{**DDPM.tiny, **parameters}), "phase0", tmp_path)


@pytest.mark.parametrize(("precision", "inner"), [("bf16", torch.bfloat16), ("fp32", torch.float32)])
def test_training_uses_the_requested_precision(monkeypatch, precision, inner):
    scans, ctx, seen = toy_scans(2), Context(precision=precision), set()
    original = DDPM.build

    def build(self):
        net = original(self)
        net.first.register_forward_hook(lambda _, __, out: seen.add((out.dtype, torch.is_grad_enabled())))
        return net

    monkeypatch.setattr(DDPM, "build", build)
    method = DDPM(**DDPM.tiny)
    method.fit(scans, scans, ctx)
    assert (inner, True) in seen and {kind for kind, _ in seen} == {inner}


def test_the_variant_has_its_name():
    assert variant(DDPM(**DDPM.variants["anoddpm"])) == "anoddpm" and variant(DDPM()) == ""
