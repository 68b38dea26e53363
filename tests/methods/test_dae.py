"""The denoising U-Net: its size, its convolutions, its noise, its loss and rate, and what its score looks at."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from tests.helpers.networks import weight_count
from uad_bench import Context
from uad_bench.method.loop_state import Policy
from uad_bench.method.slices import Batch
from uad_bench.testing import toy_scans
from uad_methods import dae
from uad_methods.dae import DAE
from uad_methods.parts.images.residual import eroded, median_2d, residual
from uad_methods.parts.networks.unet import StandardisedConv, Swish, UNet
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.noise import coarse_noise, coarse_shape


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


@pytest.mark.parametrize(("channels", "count"), [(1, 7_701_825), (4, 7_703_748)])
def test_the_network_has_as_many_weights_as_published(channels, count):
    assert weight_count(UNet(channels)) == count  # the card: 7.70 M for both


def test_groups_are_those_of_the_paper():
    net = UNet(1)
    assert [block[2].num_groups for block in net.down] == [8, 16, 16, 32]
    assert [block[2].num_groups for block in net.up] == [16, 16, 8]


def test_a_standardised_convolution_is_that_of_numpy():
    conv, image = StandardisedConv(2, 3).double(), torch.randn(1, 2, 6, 7, dtype=torch.float64)
    weight = conv.weight.detach().numpy()
    flat = weight.reshape(3, -1)
    flat = (flat - flat.mean(1, keepdims=True)) / (flat.std(1, ddof=1, keepdims=True) + 1e-5)
    expected = [
        sum(ndimage.correlate(image[0, i].numpy(), kernel[i], mode="mirror") for i in range(2))
        + float(bias.detach())
        for kernel, bias in zip(flat.reshape(weight.shape), conv.bias, strict=True)
    ]
    np.testing.assert_allclose(conv(image)[0].detach(), expected, atol=1e-12)


def test_swish_is_that_of_torch_without_its_denormal_numbers():
    values = torch.linspace(-200, 50, 2001, requires_grad=True)
    found = Swish()(values)
    torch.testing.assert_close(found, torch.nn.functional.silu(values), rtol=1e-6, atol=1e-15)
    slope = torch.autograd.grad(found.sum(), values)[0]
    for numbers in (found.detach(), slope):
        tiny = numbers[(numbers != 0) & (numbers.abs() < torch.finfo(torch.float32).tiny)]
        assert not len(tiny)


@pytest.mark.parametrize("shape", [(96, 96), (33, 50), (5, 9), (80, 97)])
def test_any_slice_comes_back_in_its_own_size(shape):
    assert UNet(2, 8)(torch.rand(1, 2, *shape)).shape == (1, 2, *shape)


def test_a_coarse_cell_is_square_and_the_longer_side_has_sixteen():
    assert coarse_shape((128, 128), 16) == (16, 16)
    assert coarse_shape((80, 96), 16) == (13, 16)
    assert coarse_shape((5, 96), 16) == (2, 16)


def test_noise_has_the_statistics_of_enlarged_gaussian_numbers():
    noise = coarse_noise(64, 2, (128, 128), 16, (0, 0), torch.Generator().manual_seed(0)).double()
    assert abs(float(noise.mean())) < 0.02
    # Linear between two nodes: variance t^2 + (1 - t)^2, at pixels 15/127 of a cell apart; squared for two axes.
    t = np.arange(128) * 15 / 127 % 1
    expected = float(np.mean(t**2 + (1 - t) ** 2))
    assert float(noise.std()) == pytest.approx(expected, rel=0.02)
    assert expected == pytest.approx(2 / 3, abs=0.01)
    assert abs(np.corrcoef(noise[:, 0].flatten(), noise[:, 1].flatten())[0, 1]) < 0.05
    steps = noise.diff(dim=2).std() / noise.std()
    assert float(steps) < 0.25  # neighbours are alike: blobs, no salt and pepper


def test_noise_is_rolled_alike_for_the_whole_batch():
    still = coarse_noise(3, 1, (32, 40), 8, (0, 0), torch.Generator().manual_seed(1))
    rolled = coarse_noise(3, 1, (32, 40), 8, (5, 11), torch.Generator().manual_seed(1))
    assert torch.equal(rolled, still.roll((5, 11), (2, 3)))


def test_noise_is_scaled_kept_inside_and_repeatable():
    method, batch = untrained(noise=0.3), slices(4)
    noise = method._noise(batch, 7, Context())
    assert (noise[~batch.brain[:, None]] == 0).all()
    assert torch.equal(noise, method._noise(batch, 7, Context()))
    assert not torch.equal(noise, method._noise(batch, 8, Context()))
    assert torch.allclose(untrained(noise=0.6)._noise(batch, 7, Context()), 2 * noise)


@pytest.mark.parametrize("foreground", ["brain", "intensity"])
def test_the_loss_is_that_of_numpy_with_the_background_in_the_denominator(foreground):
    method, batch = untrained(2, foreground=foreground), slices(3, 2)
    noise = method._noise(batch, 0, Context())
    with torch.no_grad():
        cleaned = method.net_(batch.image + noise).double().numpy()
        loss = float(method.loss(batch, noise, Context()))
    image = batch.image.double().numpy()
    mask = batch.brain.numpy()[:, None] if foreground == "brain" else image.sum(1, keepdims=True) > 0.01
    assert loss == pytest.approx(((cleaned - image) ** 2 * mask).sum() / image.size, rel=1e-5)


def test_the_learning_rate_is_that_of_the_published_schedule():
    method, opt = DAE(), torch.optim.Adam([torch.zeros(1)], 1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=100)
    opt.step()
    for epoch in range(2_100):
        assert method._rate(32 * epoch + 31) == pytest.approx(opt.param_groups[0]["lr"], rel=1e-6, abs=1e-9)
        schedule.step()


def test_training_takes_the_rate_the_clip_and_the_decay_that_it_is_told(monkeypatch):
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


def test_a_step_is_held_at_the_norm_that_it_is_told():
    weight = torch.nn.Parameter(torch.zeros(4))
    opt = torch.optim.SGD([weight], 1.0)
    descend(opt, (weight * torch.tensor([3.0, 0, 4.0, 0])).sum(), 0.5)
    torch.testing.assert_close(weight.detach(), -0.5 * torch.tensor([0.6, 0, 0.8, 0]))
    descend(opt, weight.sum())
    torch.testing.assert_close(weight.detach(), -0.5 * torch.tensor([0.6, 0, 0.8, 0]) - 1)


def test_the_score_is_the_mean_residual_of_the_clean_slice():
    method, batch = untrained(3), slices(4, 3)
    with torch.no_grad():
        error = (batch.image - method.net_(batch.image)).numpy()
        found = method._residual(batch).numpy()
        method.positive = True
        bright = method._residual(batch).numpy()
    np.testing.assert_allclose(found, np.abs(error).mean(1) * batch.brain.numpy(), atol=1e-6)
    np.testing.assert_allclose(bright, np.maximum(error, 0).mean(1) * batch.brain.numpy(), atol=1e-6)


def test_the_papers_filters_are_those_of_scipy():
    maps, brain = torch.rand(3, 20, 17), torch.rand(3, 20, 17) > 0.02
    square = np.ones((5, 5), bool)
    for i in range(3):
        assert np.array_equal(eroded(brain, 5)[i], ndimage.binary_erosion(brain[i], square))
        assert np.array_equal(median_2d(maps, 5)[i], ndimage.median_filter(maps[i].numpy(), 5, mode="mirror"))


@pytest.mark.parametrize("foreground", ["brain", "intensity"])
def test_the_filtered_score_is_eroded_first_and_smoothed_then(foreground):
    method, batch = untrained(filtered=True, foreground=foreground), slices(2)
    batch.image[:, :, 10, 12] = 0.0
    mask = batch.brain if foreground == "brain" else batch.image[:, 0] > 0.01
    with torch.no_grad():
        plain = residual(batch, method.net_(batch.image))
        assert torch.equal(method._residual(batch), median_2d(plain * eroded(mask, 5), 5))


def test_slices_together_score_as_one_by_one():
    method, batch = untrained(2), slices(5, 2)
    with torch.no_grad():
        together = method._residual(batch)
        alone = [
            method._residual(Batch(*(part[i : i + 1] for part in vars(batch).values()))) for i in range(5)
        ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_training_takes_noise_off():
    train, val = toy_scans(6), toy_scans(2, prefix="val")
    losses = []
    for steps in (1, 60):
        method = DAE(width=8, batch=8, lr=3e-3, steps=steps)
        curve = []
        method.fit(train, val, Context(policy=Policy(sink=curve.append)))
        losses.append(min(entry["validation"] for entry in curve if "validation" in entry))
    assert losses[1] < 0.5 * losses[0]


def test_training_in_bf16_keeps_float32_weights_and_scores():
    method, scans = DAE(**DAE.tiny), toy_scans(2)
    method.fit(scans, scans, Context(precision="bf16"))
    assert {value.dtype for value in method.net_.state_dict().values()} == {torch.float32}
    assert method.score(scans[0], Context()).dtype == np.float32


class KilledError(Exception):
    pass


def test_a_resumed_training_is_bit_equal_and_another_seed_another(tmp_path):
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
