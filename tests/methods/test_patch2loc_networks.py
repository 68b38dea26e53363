"""The two networks: size, receptive field, and that a dense pass says what every single patch says."""

from itertools import product

import numpy as np
import pytest
import torch

from tests.helpers.networks import weight_count
from tests.helpers.patch2loc import locator
from uad_bench.errors import UsageError
from uad_methods.patch2loc import Patch2Loc
from uad_methods.patch2loc.belief import score_terms
from uad_methods.patch2loc.encoders.conv import ConvEncoder, plan
from uad_methods.patch2loc.encoders.resnet import resnet_encoder
from uad_methods.patch2loc.patches import padded
from uad_methods.patch2loc.scoring import score_dense, score_patches


def test_the_published_network_has_the_published_size() -> None:
    method = Patch2Loc()
    method.channels_ = 1
    net = method.build()
    assert weight_count(net.encoder) == 11_167_680
    assert net.log_variance is not None
    assert weight_count(net.mean) == weight_count(net.log_variance) == 340_194
    assert weight_count(net) == 11_848_068


def test_a_patch_of_24_shrinks_to_one_latent_as_published() -> None:
    sizes, x = [24], torch.rand(1, 1, 24, 24)
    for layer in resnet_encoder(1).eval():
        x = layer(x)
        sizes += [x.shape[-1]] if x.shape[-1] != sizes[-1] else []
    assert sizes == [24, 14, 7, 4, 2, 1]
    assert x.shape == (1, 512, 1, 1)


@pytest.mark.parametrize("patch", [8, 10, 12, 24, 28, 32, 48])
def test_the_conv_encoder_sees_exactly_one_patch(patch: int) -> None:
    encoder = ConvEncoder(1, patch, 4).eval().double()
    for layer in encoder.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.ones_(layer.weight)  # so that nothing cancels and ReLU hides nothing

    def latent(image: torch.Tensor) -> torch.Tensor:
        return encoder(image, dense=True)[0, :, 20, 30]

    image = torch.rand(1, 1, 90, 90, dtype=torch.float64)
    elsewhere = torch.rand_like(image) * 100
    inside = (..., slice(20, 20 + patch), slice(30, 30 + patch))
    elsewhere[inside] = image[inside]
    assert torch.equal(latent(elsewhere), latent(image))
    for dx, dy in product((0, patch - 1), repeat=2):
        corner = image.clone()
        corner[0, 0, 20 + dx, 30 + dy] += 1e6
        assert not torch.equal(latent(corner), latent(image)), "blind to a corner of its patch"


def test_plan_fills_the_patch_and_refuses_what_is_too_small() -> None:
    assert plan(24) == (2, 2)
    assert plan(24).jump == 4
    with pytest.raises(UsageError, match="3 pixels"):
        plan(3)


@pytest.mark.parametrize("patch", [8, 24, 32])
def test_one_dense_pass_says_what_every_patch_says(patch: int) -> None:
    net = locator(network="conv", patch=patch, width=8)
    images, height = torch.rand(2, 1, 30, 26), torch.tensor([20.0, 70.0])
    everywhere = torch.ones(2, 30, 26, dtype=torch.bool)
    with torch.no_grad():
        dense = score_dense(net, images, height, patch)
        single = score_patches(net, images, height, everywhere, patch)
    assert dense.std() > 1e-3
    torch.testing.assert_close(dense, single, atol=1e-4, rtol=0)


def test_a_strided_pass_is_the_dense_one_at_every_fourth_pixel() -> None:
    encoder = locator(network="conv", width=8).encoder
    slices = padded(torch.rand(1, 1, 30, 26), 24)
    with torch.no_grad():
        dense, strided = encoder(slices, dense=True), encoder(slices[:, :, 1:, 3:])
    torch.testing.assert_close(strided, dense[:, :, 1::4, 3::4], atol=1e-5, rtol=0)


def test_resnet_scores_are_those_of_a_loop_over_patches() -> None:
    net = locator(patch=8)
    images, height = torch.rand(2, 1, 9, 11), torch.tensor([10.0, 40.0])
    where = torch.rand(2, 9, 11, generator=torch.Generator().manual_seed(5)) > 0.7
    around = np.pad(images.numpy(), ((0, 0), (0, 0), (4, 4), (4, 4)))
    expected = np.zeros(where.shape, np.float32)
    with torch.no_grad():
        scores = score_patches(net, images, height, where, 8, chunk=7)
        for n, x, y in where.nonzero().tolist():
            patch = torch.from_numpy(around[n : n + 1, :, x : x + 8, y : y + 8])
            mean, log_variance = (v[0].double().numpy() for v in net(patch, height[n : n + 1]))
            error = (mean[0] - 100 * x / 9) ** 2 + (mean[1] - 100 * y / 11) ** 2
            expected[n, x, y] = np.log(error + 1e-10) + log_variance.mean()
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_anomaly_is_log_squared_error_plus_mean_log_variance() -> None:
    mean, place = torch.tensor([[3.0, 4.0], [1.0, 1.0]]), torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    log_variance = torch.tensor([[2.0, 6.0], [0.0, 0.0]])
    expected = [np.log(25.0) + 4.0, np.log(1e-10)]
    np.testing.assert_allclose(score_terms("diagonal", mean, log_variance, place).score, expected, rtol=1e-6)


def test_the_faithful_network_s_variance_cannot_move_the_encoder() -> None:
    net = locator(network="conv", patch=8, width=4, loss="stirn").train()
    _, log_variance = net(torch.rand(4, 1, 8, 8), torch.rand(4))
    log_variance.sum().backward()
    assert all(p.grad is None for p in net.encoder.parameters())
    assert net.log_variance is not None
    assert all(p.grad is not None for p in net.log_variance.parameters())


def test_under_mse_the_variance_is_one_and_the_score_the_log_error_alone() -> None:
    net = locator(network="conv", patch=8, width=4, loss="mse")
    images, height = torch.rand(1, 1, 6, 7), torch.tensor([30.0])
    with torch.no_grad():
        mean, log_variance = net(padded(images, 8), height, dense=True)
        score = score_dense(net, images, height, 8)[0, 5, 6]
    assert not log_variance.any()
    error = (mean[-1] - torch.tensor([100 * 5 / 6, 100 * 6 / 7])).square().sum()
    assert score.item() == pytest.approx(torch.log(error).item(), rel=1e-5)


def test_a_box_changes_what_is_scored_and_no_score() -> None:
    net = locator(network="conv", patch=12, width=8)
    images, height = torch.rand(2, 1, 20, 24), torch.tensor([30.0, 60.0])
    with torch.no_grad():
        whole = score_dense(net, images, height, 12)
        boxed = score_dense(net, images, height, 12, (slice(3, 15), slice(5, 24)))
    torch.testing.assert_close(boxed[:, 3:15, 5:24], whole[:, 3:15, 5:24], atol=1e-4, rtol=1e-4)
    assert not boxed[:, :3].any() and not boxed[..., :5].any()
