"""Base class of the diffusion methods: validation, moving average, clipping, draws, precision."""

import numpy as np
import pytest
import torch

from uad_bench import Context, SliceStack
from uad_bench.errors import UsageError
from uad_bench.testing import toy_scans
from uad_methods import denoising
from uad_methods.cddpm import CDDPM
from uad_methods.ddpm import DDPM
from uad_methods.pddpm import PDDPM


def losses_of(**parameters):
    kept, ctx = [], Context()
    ctx.policy.sink = kept.append
    DDPM(**{**DDPM.tiny, "checked": 3, **parameters}).fit(toy_scans(3), toy_scans(2, prefix="val"), ctx)
    return kept


def test_validation_uses_the_same_draws_every_time(monkeypatch):
    """With a learning rate of 0 only the draws could change the loss; the last layer must not be zero."""
    original = DDPM.build

    def build(self):
        net = original(self)
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


def test_there_is_no_validation_if_checked_is_0():
    assert not [v for v in losses_of(checked=0) if "validation" in v]


def test_average_is_the_exponential_moving_average_of_the_weights():
    def fitted(steps, **parameters):
        method = DDPM(**{**DDPM.tiny, "checked": 0, "steps": steps, **parameters})
        method.fit(toy_scans(3), toy_scans(2, prefix="val"), Context())
        return method.net_.state_dict()

    latest = [fitted(steps) for steps in (1, 2, 3)]
    found = fitted(3, average=True, decay=0.75)
    for name, value in found.items():
        expected = 0.75 * (0.75 * latest[0][name] + 0.25 * latest[1][name]) + 0.25 * latest[2][name]
        torch.testing.assert_close(value, expected)


def test_gradients_are_clipped(monkeypatch):
    norms = []
    real = torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(
        torch.nn.utils, "clip_grad_norm_", lambda p, limit: norms.append((real(p, limit), limit))
    )
    losses_of(clip=0.5)
    assert len(norms) == DDPM.tiny["steps"] and {limit for _, limit in norms} == {0.5}


@pytest.mark.parametrize("draw", ["volume", "slice"])
def test_training_draws_slices_as_draw_says(draw, monkeypatch):
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
def test_invalid_hyper_parameters_are_refused(wrong):
    with pytest.raises(UsageError):
        DDPM(**{**DDPM.tiny, **wrong})


@pytest.mark.parametrize("cls", [DDPM, PDDPM, CDDPM])
@pytest.mark.parametrize(("precision", "inner"), [("auto", torch.float32), ("bf16", torch.bfloat16)])
def test_maps_are_computed_in_float32_on_a_cpu_unless_bf16_is_requested(cls, precision, inner):
    ctx, (scan,) = Context(precision=precision), toy_scans(1)
    method = cls(**cls.tiny)
    net = method.begin([scan], ctx)
    for parameter in net.parameters():  # with a zero last layer the precision would have no effect
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


def test_the_wavelength_is_used_in_training_and_scoring(monkeypatch):
    wavelengths = []
    original = denoising.noise_fields
    monkeypatch.setattr(denoising, "noise_fields", lambda *a: wavelengths.append(a[-1]) or original(*a))
    scans = toy_scans(2)
    method = DDPM(**{**DDPM.tiny, "wavelength": 9.0, "checked": 0})
    method.fit(scans, scans, Context())
    trained = len(wavelengths)
    method.score(scans[0], Context())
    assert trained == DDPM.tiny["steps"] and len(wavelengths) == trained + 1 and set(wavelengths) == {9.0}
