"""DAE: noise, loss, learning rate, score and resumed training."""

import numpy as np
import pytest
import torch

from uad_bench import Context
from uad_bench.method.loop_state import Policy
from uad_bench.method.slices import Batch
from uad_bench.testing import toy_scans
from uad_methods import dae
from uad_methods.dae import DAE
from uad_methods.parts.images.residual import eroded, median_2d, residual


def slices(count, channels=1, shape=(24, 32)):
    rng = torch.Generator().manual_seed(3)
    brain = torch.zeros(count, *shape, dtype=torch.bool)
    brain[:, 4:-4, 5:-5] = True
    image = torch.rand(count, channels, *shape, generator=rng) * brain[:, None]
    return Batch(image, brain, torch.arange(count))


def untrained(channels=1, **parameters):
    method = DAE(width=8, **parameters)
    method.channels_, method.shape_ = channels, (24, 32, 5)
    torch.manual_seed(0)
    method.net_ = method.build()
    return method


def test_noise_is_scaled_masked_and_reproducible():
    method, batch = untrained(noise=0.3), slices(4)
    noise = method._noise(batch, 7, Context())
    assert (noise[~batch.brain[:, None]] == 0).all()
    assert torch.equal(noise, method._noise(batch, 7, Context()))
    assert not torch.equal(noise, method._noise(batch, 8, Context()))
    assert torch.allclose(untrained(noise=0.6)._noise(batch, 7, Context()), 2 * noise)


@pytest.mark.parametrize("foreground", ["brain", "intensity"])
def test_loss_equals_numpy_with_the_background_in_the_denominator(foreground):
    method, batch = untrained(2, foreground=foreground), slices(3, 2)
    noise = method._noise(batch, 0, Context())
    with torch.no_grad():
        cleaned = method.net_(batch.image + noise).double().numpy()
        loss = float(method.loss(batch, noise, Context()))
    image = batch.image.double().numpy()
    mask = batch.brain.numpy()[:, None] if foreground == "brain" else image.sum(1, keepdims=True) > 0.01
    assert loss == pytest.approx(((cleaned - image) ** 2 * mask).sum() / image.size, rel=1e-5)


def test_learning_rate_equals_the_published_schedule():
    method, opt = DAE(), torch.optim.Adam([torch.zeros(1)], 1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=100)
    opt.step()
    for epoch in range(2_100):
        assert method._rate(32 * epoch + 31) == pytest.approx(opt.param_groups[0]["lr"], rel=1e-6, abs=1e-9)
        schedule.step()


def test_training_uses_learning_rate_clip_and_weight_decay_as_set(monkeypatch):
    method, scans = (
        DAE(**{**DAE.tiny, "cosine": 64, "clip": 0.125, "weight_decay": 0.25, "steps": 40}),
        toy_scans(2),
    )
    taken = []

    def descend(opt, loss, clip):
        (group,) = opt.param_groups
        taken.append((group["lr"], clip, group["weight_decay"], group["amsgrad"]))

    monkeypatch.setattr(dae, "descend", descend)
    method.fit(scans, scans, Context())
    assert taken == [(method._rate(step), 0.125, 0.25, True) for step in range(40)]
    assert len({rate for rate, *_ in taken}) > 1


def test_the_score_is_the_mean_residual_of_the_clean_slice():
    method, batch = untrained(3), slices(4, 3)
    with torch.no_grad():
        error = (batch.image - method.net_(batch.image)).numpy()
        found = method._residual(batch).numpy()
        method.positive = True
        bright = method._residual(batch).numpy()
    np.testing.assert_allclose(found, np.abs(error).mean(1) * batch.brain.numpy(), atol=1e-6)
    np.testing.assert_allclose(bright, np.maximum(error, 0).mean(1) * batch.brain.numpy(), atol=1e-6)


@pytest.mark.parametrize("foreground", ["brain", "intensity"])
def test_the_filtered_score_is_first_eroded_then_median_filtered(foreground):
    method, batch = untrained(filtered=True, foreground=foreground), slices(2)
    batch.image[:, :, 10, 12] = 0.0
    mask = batch.brain if foreground == "brain" else batch.image[:, 0] > 0.01
    with torch.no_grad():
        plain = residual(batch, method.net_(batch.image))
        assert torch.equal(method._residual(batch), median_2d(plain * eroded(mask, 5), 5))


def test_a_batch_of_slices_scores_as_single_slices():
    method, batch = untrained(2), slices(5, 2)
    with torch.no_grad():
        together = method._residual(batch)
        alone = [
            method._residual(Batch(*(part[i : i + 1] for part in vars(batch).values()))) for i in range(5)
        ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_training_reduces_the_denoising_loss():
    train, val = toy_scans(6), toy_scans(2, prefix="val")
    losses = []
    for steps in (1, 60):
        method = DAE(width=8, batch=8, lr=3e-3, steps=steps)
        curve = []
        method.fit(train, val, Context(policy=Policy(sink=curve.append)))
        losses.append(min(entry["validation"] for entry in curve if "validation" in entry))
    assert losses[1] < 0.5 * losses[0]


class KilledError(Exception):
    pass


def test_a_resumed_training_is_bit_equal_and_another_seed_differs(tmp_path):
    train = toy_scans(3)

    def fitted(seed=1, **policy):
        method = DAE(**DAE.tiny)
        method.fit(train, train, Context(seed=seed, policy=Policy(**policy)))
        return method.net_.state_dict()

    def kill(values):
        if values["step"] == 2:
            raise KilledError

    with pytest.raises(KilledError):
        fitted(folder=tmp_path, checkpoint_minutes=0, sink=kill)
    whole, resumed, other = fitted(), fitted(folder=tmp_path, resume=True), fitted(seed=2)
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())
    assert not torch.equal(other["out.weight"], whole["out.weight"])
