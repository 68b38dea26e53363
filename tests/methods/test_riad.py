"""RIAD: losses, maps, weights of the sizes of squares, training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.helpers.two_phases import assert_resume_is_bit_equal
from uad_bench import Context
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.method.loop_state import Policy
from uad_bench.method.slices import Batch
from uad_bench.testing import toy_scans
from uad_methods import riad
from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.images.gradient_similarity import msgms_difference
from uad_methods.riad import RIAD


def untrained(channels=1, **parameters):
    method = RIAD(**{**RIAD.tiny, **parameters})
    method.channels_, method.shape_ = channels, (32, 32, 5)
    torch.manual_seed(0)
    method.net_ = method.build().eval()
    return method


def images(count=2, channels=1, seed=0):
    return 2 * torch.rand(count, channels, 32, 32, generator=torch.Generator().manual_seed(seed)) - 1


def perfect(method, truth):
    """The network knows the slices."""
    method.net_.forward = lambda given: truth
    return method


@pytest.mark.parametrize(
    "wrong",
    [
        {"side": 100}, {"side": 16}, {"squares": (3,)}, {"squares": ()}, {"squares": (0,)}, {"squares": (-2,)},
        {"squares": (128,), "groups": 5}, {"widths": ()}, {"widths": (0,)}, {"widths": (1,) * 11},
    ],
)  # fmt: skip
def test_invalid_hyper_parameters_are_refused(wrong):
    with pytest.raises(UsageError) as refusal:
        RIAD(**wrong)
    assert "\n" not in str(refusal.value)


def test_variants_have_names():
    made = (
        RIAD(),
        RIAD(mask_channel=True),
        RIAD(difference="gms+l2"),
        RIAD(mask_channel=True, difference="gms+l2"),
    )
    assert [variant(one) for one in made] == ["", "mask", "l2", "mask-l2"]
    assert {one.learns_from() for one in made} == {"healthy"}


def test_the_mask_is_a_channel_of_the_input():
    plain, told = untrained(2), untrained(2, mask_channel=True)
    assert [one.net_.down[0][0].in_channels for one in (plain, told)] == [2, 3]
    assert told.net_.out.out_channels == 2


def test_loss_and_difference_of_a_perfect_network_are_zero():
    truth = images()
    for difference in ("gms", "gms+l2"):
        method = perfect(untrained(difference=difference), truth)
        hidden = method._hidden(4, Context(), "test")
        assert float(method.loss(truth, hidden, Context())) == pytest.approx(0, abs=1e-5)
        assert (method._difference(truth, method._filled(truth, hidden)) == 0).all()


def test_the_map_of_a_perfect_network_is_zero():
    (scan,) = toy_scans(1, shape=(32, 32, 5))
    method = untrained(difference="gms+l2")
    # every slice of the volume in one batch
    truth = torch.from_numpy(scan.image.copy()).movedim(-1, 0)[scan.brain_mask.any((0, 1))].half().float()
    found = perfect(method, 2 * truth - 1).score(scan, Context())
    assert found.max() == 0 == found.min()


def test_the_loss_is_the_sum_of_three_means(monkeypatch):
    monkeypatch.setattr(
        riad, "ssim_map", lambda a, b, window: torch.full_like(a, 0.75 if window == 11 else 0)
    )
    monkeypatch.setattr(riad, "msgms_loss", lambda a, b, median: torch.tensor(0.5 if median else 0.0))
    method, some = untrained(), images()
    hidden = method._hidden(8, Context(), 0)
    with torch.no_grad():
        squared = float(((method._filled(some, hidden) - some) ** 2).mean())
        assert float(method.loss(some, hidden, Context())) == pytest.approx(squared + 0.5 + 0.25, rel=1e-5)


@pytest.mark.parametrize(("weighting", "expected"), [("count", [16 / 80, 64 / 80]), ("equal", [0.5, 0.5])])
def test_weights_of_squares(weighting, expected):
    method = untrained(weighting=weighting, partitions=3)
    (scan,) = toy_scans(1)
    weights, hidden = zip(*method._drawn(Context(), scan), strict=True)
    np.testing.assert_allclose(weights, np.repeat(expected, 3) / 3)
    assert len({one.numpy().tobytes() for one in hidden}) == 6
    _, again = zip(*method._drawn(Context(), scan), strict=True)
    assert all(map(torch.equal, hidden, again))
    _, other = zip(*method._drawn(Context(), replace(scan, case_id="other")), strict=True)
    assert not any(map(torch.equal, hidden, other))


@pytest.mark.parametrize("sigma", [0.0, 1.5])
def test_the_map_is_the_weighted_sum_smoothed_within_the_brain(sigma):
    method = untrained(sigma=sigma)
    brain = torch.zeros(2, 32, 32, dtype=torch.bool)
    brain[:, 4:-6, 5:-5] = True
    batch = Batch((images() + 1) / 2 * brain[:, None], brain, torch.arange(2))
    parts = [(0.3, method._hidden(4, Context(), 0)), (0.7, method._hidden(8, Context(), 1))]
    signed = 2 * batch.image - 1
    with torch.no_grad():
        found = method._map(batch, iter(parts))
        total = sum(w * method._difference(signed, method._filled(signed, hidden)) for w, hidden in parts)
    inside = brain.float()
    if sigma:
        total, inside = gaussian_blur(total * inside, sigma), gaussian_blur(inside, sigma)
    torch.testing.assert_close(found, torch.where(brain, total / inside, 0))
    assert found[brain].max() > 0


def test_gms_does_not_see_a_constant_that_the_squared_difference_sees():
    some = images()
    (gms, both) = (untrained(difference=one)._difference(some, some + 0.5) for one in ("gms", "gms+l2"))
    assert gms.max() < 1e-5
    torch.testing.assert_close(both, torch.full_like(both, 0.25), atol=1e-5, rtol=0)


@pytest.mark.parametrize("median", [True, False])
def test_the_median_of_the_map_is_as_set(median):
    some, other = images(), images(seed=1)
    found = untrained(median=median)._difference(some, other)
    torch.testing.assert_close(found, msgms_difference(some, other, median=median))
    assert not torch.allclose(found, msgms_difference(some, other, median=not median))


def test_partitions_of_the_map_are_drawn_on_the_cpu(monkeypatch):
    devices, (scan,) = [], toy_scans(1)
    draws = Context.torch_rng
    monkeypatch.setattr(
        Context,
        "torch_rng",
        lambda *given, device=None: devices.append(device) or draws(*given, device=device),
    )
    assert len(list(untrained()._drawn(Context(), scan))) == len(devices) and set(devices) == {"cpu"}


@pytest.mark.parametrize("modalities", [("t2",), ("t1", "t2")])
def test_maps_are_zero_outside_the_brain_for_odd_grids_and_several_modalities(modalities):
    scans = toy_scans(2, modalities, shape=(33, 21, 5))
    (fresh,) = toy_scans(1, modalities, shape=(33, 21, 5), prefix="fresh")
    method = RIAD(**RIAD.tiny, mask_channel=True)
    method.fit(scans, scans, Context())
    found = method.score(fresh, Context())
    assert found.shape == (33, 21, 5) and found.min() >= 0
    assert (found[~fresh.brain_mask] == 0).all() and (found[fresh.brain_mask] > 0).any()
    rebuilt = method.components(fresh, Context())
    assert len(rebuilt) == len(modalities)
    assert all(part.values.shape == (33, 21, 5) and part.values.max() <= 1 for part in rebuilt.values())


def test_training_lowers_the_loss_of_a_fixed_batch():
    method, some, ctx = untrained(), 4 * gaussian_blur(images(4), 3), Context()
    opt = torch.optim.Adam(method.net_.train().parameters(), 1e-2)
    hidden, losses = method._hidden(4, ctx, 0), []
    for _ in range(30):
        loss = method.loss(some, hidden, ctx)
        riad.descend(opt, loss)
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_training_draws_squares_and_lowers_the_rate_to_a_tenth(monkeypatch):
    taken, drawn = [], []
    monkeypatch.setattr(riad, "descend", lambda opt, loss: taken.append(dict(opt.param_groups[0])))
    hidden = riad.hidden_groups
    monkeypatch.setattr(riad, "hidden_groups", lambda *given: drawn.append(given[1]) or hidden(*given))
    scans = toy_scans(2)
    RIAD(**{**RIAD.tiny, "steps": 30, "lr": 0.5}).fit(scans, scans, Context())
    assert [one["lr"] for one in taken] == [0.5] * 25 + [0.05] * 5
    assert {one["weight_decay"] for one in taken} == {1e-5}
    assert 5 <= drawn[2:].count(4) <= 25 and set(drawn) == {4, 8}  # the first two are those of the validation


def test_training_reduces_the_validation_loss():
    train, val, curve = toy_scans(6), toy_scans(2, prefix="val"), []
    method = RIAD(**{**RIAD.tiny, "steps": 40, "lr": 1e-2})
    method.fit(train, val, Context(policy=Policy(sink=curve.append)))
    losses = [entry["validation"] for entry in curve if "validation" in entry]
    assert min(losses) < 0.7 * losses[0]


def test_a_resumed_training_is_bit_equal(tmp_path):
    assert_resume_is_bit_equal(lambda: RIAD(**RIAD.tiny), "phase0", tmp_path)
