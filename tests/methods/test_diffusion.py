"""Schedules, the way there and back, and what the diffusion methods share: noise, draws, batches, training."""

import logging

import numpy as np
import pytest
import torch

from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.testing import toy_scans
from uad_methods import denoising
from uad_methods.cddpm import CDDPM
from uad_methods.ddpm import DDPM
from uad_methods.parts.batches import Batches, _is_out_of_memory
from uad_methods.parts.diffusion import (
    clean_from_noise,
    coefficients,
    cosine,
    linear,
    noise_from_clean,
    q_sample,
    reverse_step,
    reverse_timesteps,
)  # fmt: skip
from uad_methods.parts.training.draws import noise_fields, one_slice_per_volume, timesteps
from uad_methods.pddpm import PDDPM


def test_the_cosine_schedule_is_its_closed_form_until_a_beta_is_clipped():
    def wished(t):
        return np.cos((t / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2

    t = np.arange(1, 1000)
    np.testing.assert_allclose(cosine()[:999], wished(t) / wished(0), rtol=1e-5)
    assert cosine()[999] == pytest.approx(cosine()[998] * 0.001)  # the last beta would be 1


def test_the_shares_are_those_of_the_published_baseline():
    clean, noise = coefficients(cosine(), torch.tensor([249, 499, 749]))
    np.testing.assert_allclose(clean.ravel(), [0.920, 0.703, 0.380], atol=1e-3)
    np.testing.assert_allclose(noise.ravel(), [0.391, 0.711, 0.925], atol=1e-3)


def test_the_linear_schedule_is_the_product_of_its_betas():
    expected, product = [], 1.0
    for t in range(1000):
        product *= 1 - (1e-4 + (0.02 - 1e-4) * t / 999)
        expected.append(product)
    np.testing.assert_allclose(linear(), expected, rtol=1e-9)
    assert linear(100)[-1] == pytest.approx(linear()[-1], rel=0.5)  # as noisy at the end


@pytest.mark.parametrize(("ours", "theirs"), [(cosine, "cosine"), (linear, "linear_beta")])
def test_schedules_are_monai_s(ours, theirs):
    schedulers = pytest.importorskip("monai.networks.schedulers")
    betas = {} if theirs == "cosine" else {"beta_start": 1e-4, "beta_end": 0.02}
    found = schedulers.DDPMScheduler(num_train_timesteps=1000, schedule=theirs, **betas)
    np.testing.assert_allclose(found.alphas_cumprod, ours(), atol=1e-5)


def test_a_noised_slice_has_the_mean_and_deviation_of_its_timestep():
    noise = noise_fields("gaussian", 2, (1, 150, 150), np.random.default_rng(0), "cpu")
    t = torch.tensor([100, 700])
    found = q_sample(torch.full_like(noise, 0.5), noise, t, cosine())
    clean, rest = (share.ravel() for share in coefficients(cosine(), t))
    torch.testing.assert_close(found.mean(dim=(1, 2, 3)), 0.5 * clean, atol=0.02, rtol=0)
    torch.testing.assert_close(found.std(dim=(1, 2, 3)), rest, atol=0.02, rtol=0)


@pytest.mark.parametrize("schedule", [cosine(), linear()])
def test_a_guess_of_the_noise_and_one_of_the_clean_slice_say_the_same(schedule):
    clean, noise, t = torch.randn(3, 2, 5, 4), torch.randn(3, 2, 5, 4), torch.tensor([0, 400, 900])
    x = q_sample(clean, noise, t, schedule)
    torch.testing.assert_close(clean_from_noise(x, noise, t, schedule), clean, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(noise_from_clean(x, clean, t, schedule), noise, atol=1e-4, rtol=1e-3)


def test_the_chain_goes_down_to_the_clean_slice():
    assert reverse_timesteps(3) == [(3, 2), (2, 1), (1, 0), (0, -1)]
    assert reverse_timesteps(5, 3) == [(5, 2), (2, -1)]


@pytest.mark.parametrize("every", [1, 7])
def test_a_reverse_step_gives_the_moments_of_the_forward_process(every):
    """With the true x_0: x_t of mean sqrt(a) x_0 goes to x_s of mean sqrt(a_s) x_0, and the last step to x_0."""
    abar, t, clean = linear(), 300, torch.tensor([0.7])
    mean = float(np.sqrt(abar[t])) * clean
    found = reverse_step(mean, clean, torch.zeros(1), (t, t - every), abar)
    torch.testing.assert_close(found, float(np.sqrt(abar[t - every])) * clean)
    assert torch.equal(reverse_step(torch.randn(1), clean, torch.randn(1), (t, -1), abar), clean)


def test_a_reverse_step_adds_noise_of_variance_beta_and_what_x_still_has():
    abar, x = linear(), torch.zeros(1)
    beta = 1e-4 + (0.02 - 1e-4) * 300 / 999
    one = reverse_step(x, x, torch.ones(1), (300, 299), abar)
    assert float(one) ** 2 == pytest.approx(beta, rel=1e-6)
    of_x = reverse_step(torch.ones(1), x, x, (300, 299), abar)
    assert float(of_x) == pytest.approx(np.sqrt(1 - beta) * (1 - abar[299]) / (1 - abar[300]), rel=1e-6)


def test_fields_are_independent_for_slices_and_channels():
    fields = noise_fields("simplex", 3, (2, 16, 12), np.random.default_rng(0), "cpu")
    assert fields.shape == (3, 2, 16, 12)
    assert np.abs(np.corrcoef(fields.reshape(6, -1)) - np.eye(6)).max() < 0.9
    assert len(torch.unique(fields.reshape(6, -1), dim=0)) == 6


def test_an_epoch_shows_one_slice_of_every_volume_once():
    counts, ctx = [5, 0, 1, 7, 2, 3], Context()
    seen = np.concatenate([one_slice_per_volume(counts, step, 2, ctx) for step in range(5)])
    volume = np.searchsorted(np.cumsum(counts), seen, side="right")
    assert sorted(volume[:5]) == sorted(volume[5:]) == [0, 2, 3, 4, 5]
    assert len({tuple(one_slice_per_volume([50] * 4, step, 4, ctx)) for step in range(4)}) == 4


def test_a_batch_larger_than_the_cohort_takes_volumes_again():
    assert len(one_slice_per_volume([3, 3], 0, 5, Context())) == 5


def test_timesteps_are_all_that_there_are():
    found = timesteps(2000, 5, "key", Context())
    assert torch.bincount(found).min() > 300 and found.max() == 4


def test_batches_halve_until_they_fit_stay_there_and_say_so_once(caplog):
    tried = []

    def one(part):
        tried.append(part.stop - part.start)
        if tried[-1] > 5:
            raise torch.OutOfMemoryError
        return torch.arange(part.start, part.stop)

    batches = Batches("auto", "cpu")
    with caplog.at_level(logging.WARNING, "uad_bench"):
        assert batches.run(21, one).tolist() == list(range(21))
        assert tried == [21, 10, 5, 5, 5, 5, 1]
        assert batches.run(7, one).tolist() == list(range(7))
    assert tried[7:] == [5, 2]
    assert [record.getMessage() for record in caplog.records] == [
        "a pass of 21 images does not fit in memory; from now on at most 10 per pass"
    ]


@pytest.mark.parametrize("said", [
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate",
])  # fmt: skip
def test_memory_may_end_inside_of_a_library_too(said):
    def one(part):
        if part.stop - part.start > 2:
            raise RuntimeError(said)
        return torch.arange(part.start, part.stop)

    assert Batches("auto", "cpu").run(7, one).tolist() == list(range(7))


def test_a_cpu_s_own_error_is_one_of_them():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60)
    assert _is_out_of_memory(error.value)


def test_other_errors_are_not_taken_for_it():
    def one(part):
        raise RuntimeError("sizes do not match")

    with pytest.raises(RuntimeError, match="do not match"):
        Batches("auto", "cpu").run(7, one)


@pytest.mark.parametrize(("size", "count"), [(4, 9), ("auto", 1)])
def test_a_fixed_size_or_a_single_image_that_does_not_fit_is_an_error(size, count):
    def one(part):
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        Batches(size, "cpu").run(count, one)


def losses_of(**parameters):
    kept, ctx = [], Context()
    ctx.policy.sink = kept.append
    DDPM(**{**DDPM.tiny, "checked": 3, **parameters}).fit(toy_scans(3), toy_scans(2, prefix="val"), ctx)
    return kept


def test_validation_draws_the_same_each_time(monkeypatch):
    """With a rate of 0 nothing but the draws could change it; the last layer is drawn, as zeros see no noise."""
    usual = DDPM.build

    def build(self):
        net = usual(self)
        torch.nn.init.normal_(net.last[-1].weight, std=0.5)
        return net

    monkeypatch.setattr(DDPM, "build", build)
    kept = [v["validation"] for v in losses_of(lr=0.0, steps=3) if "validation" in v]
    assert len(kept) == 3 and len(set(kept)) == 1
    method, clean = DDPM(**DDPM.tiny), torch.rand(4, 1, 16, 16)
    method.channels_, method.net_ = 1, None
    net = method.build()
    with torch.no_grad():
        assert method.loss(net, clean, ("val", 0), Context()) != method.loss(
            net, clean, ("val", 1), Context()
        )


def test_no_validation_where_nothing_is_to_be_chosen():
    assert not [v for v in losses_of(checked=0) if "validation" in v]


def test_the_average_is_the_exponential_one_of_the_weights_after_each_step():
    def fitted(steps, **parameters):
        method = DDPM(**{**DDPM.tiny, "checked": 0, "steps": steps, **parameters})
        method.fit(toy_scans(3), toy_scans(2, prefix="val"), Context())
        return method.net_.state_dict()

    latest = [fitted(steps) for steps in (1, 2, 3)]
    found = fitted(3, average=True, decay=0.75)
    for name, value in found.items():
        expected = 0.75 * (0.75 * latest[0][name] + 0.25 * latest[1][name]) + 0.25 * latest[2][name]
        torch.testing.assert_close(value, expected)


def test_the_clip_holds_the_gradient(monkeypatch):
    norms = []
    real = torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(
        torch.nn.utils, "clip_grad_norm_", lambda p, limit: norms.append((real(p, limit), limit))
    )
    losses_of(clip=0.5)
    assert len(norms) == DDPM.tiny["steps"] and {limit for _, limit in norms} == {0.5}


@pytest.mark.parametrize("draw", ["volume", "slice"])
def test_training_draws_as_it_is_told(draw, monkeypatch):
    taken, real = [], SliceStack.take
    monkeypatch.setattr(
        SliceStack, "take", lambda self, index: (taken.append((self.name, index)), real(self, index))[1]
    )
    losses_of(draw=draw, batch=3)
    volumes = [np.asarray(index) for name, index in taken if name == "train"]
    counts = SliceStack(toy_scans(3), Context()).counts
    kinds = [np.unique(np.searchsorted(np.cumsum(counts), index, side="right")).size for index in volumes]
    assert (set(kinds) == {3}) == (draw == "volume")


@pytest.mark.parametrize(
    "wrong",
    [
        {"groups": 3},
        {"groups": 0},
        {"widths": ()},
        {"batch_size": 0},
        {"wavelength": 0.0},
        {"widths": (32, 224)},
        {"start": 0},
        {"start": 1001},
        {"every": 0},
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(UsageError):
        DDPM(**{**DDPM.tiny, **wrong})


@pytest.mark.parametrize("cls", [DDPM, PDDPM, CDDPM])
@pytest.mark.parametrize(("precision", "inner"), [("auto", torch.float32), ("bf16", torch.bfloat16)])
def test_maps_are_of_float32_on_a_cpu_unless_the_run_asks_for_bf16(cls, precision, inner):
    ctx, (scan,) = Context(precision=precision), toy_scans(1)
    method = cls(**cls.tiny)
    net = method.begin([scan], ctx)
    for parameter in net.parameters():  # where the last layer is zero, no precision makes a difference
        torch.nn.init.normal_(parameter, std=0.05)
    seen = set()
    for layer in net.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda _, __, out: seen.add(out.dtype))
    score = method.score(scan, ctx)
    assert seen == {inner}
    assert score.dtype == np.float32
    exact = method.score(scan, Context(precision="fp32"))
    assert np.abs(score - exact).max() < 0.05 * exact.max()
    assert np.array_equal(score, exact) == (inner == torch.float32)


def test_noise_is_of_float32_under_autocast_too():
    made = [noise_fields("simplex", 2, (1, 20, 20), np.random.default_rng(0), "cpu")]
    with torch.autocast("cpu", torch.bfloat16):
        made.append(noise_fields("simplex", 2, (1, 20, 20), np.random.default_rng(0), "cpu"))
    assert made[1].dtype == torch.float32 and torch.equal(*made)


def test_the_wavelength_reaches_training_and_test(monkeypatch):
    asked = []
    usual = denoising.noise_fields
    monkeypatch.setattr(denoising, "noise_fields", lambda *a: asked.append(a[-1]) or usual(*a))
    scans = toy_scans(2)
    method = DDPM(**{**DDPM.tiny, "wavelength": 9.0, "checked": 0})
    method.fit(scans, scans, Context())
    trained = len(asked)
    method.score(scans[0], Context())
    assert trained == DDPM.tiny["steps"] and len(asked) == trained + 1 and set(asked) == {9.0}
