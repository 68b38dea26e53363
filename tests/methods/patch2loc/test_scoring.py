"""Scores of whole slices against scoring patch by patch."""

import numpy as np
import pytest
import torch

from tests.helpers.patch2loc import locator
from uad_methods.patch2loc.patches import padded
from uad_methods.patch2loc.scoring import score_dense, score_patches


@pytest.mark.parametrize("patch", [8, 24, 32])
def test_a_dense_pass_equals_scoring_patch_by_patch(patch: int) -> None:
    net = locator(network="conv", patch=patch, width=8)
    images, height = torch.rand(2, 1, 30, 26), torch.tensor([20.0, 70.0])
    everywhere = torch.ones(2, 30, 26, dtype=torch.bool)
    with torch.no_grad():
        dense = score_dense(net, images, height, patch)
        single = score_patches(net, images, height, everywhere, patch)
    assert dense.std() > 1e-3
    torch.testing.assert_close(dense, single, atol=1e-4, rtol=0)


def test_scores_of_the_resnet_equal_a_loop_over_patches() -> None:
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


def test_under_mse_the_score_is_the_log_error() -> None:
    net = locator(network="conv", patch=8, width=4, loss="mse")
    images, height = torch.rand(1, 1, 6, 7), torch.tensor([30.0])
    with torch.no_grad():
        mean, log_variance = net(padded(images, 8), height, dense=True)
        score = score_dense(net, images, height, 8)[0, 5, 6]
    assert not log_variance.any()
    error = (mean[-1] - torch.tensor([100 * 5 / 6, 100 * 6 / 7])).square().sum()
    assert score.item() == pytest.approx(torch.log(error).item(), rel=1e-5)


def test_a_box_limits_the_scored_pixels_and_changes_no_score() -> None:
    net = locator(network="conv", patch=12, width=8)
    images, height = torch.rand(2, 1, 20, 24), torch.tensor([30.0, 60.0])
    with torch.no_grad():
        whole = score_dense(net, images, height, 12)
        boxed = score_dense(net, images, height, 12, (slice(3, 15), slice(5, 24)))
    torch.testing.assert_close(boxed[:, 3:15, 5:24], whole[:, 3:15, 5:24], atol=1e-4, rtol=1e-4)
    assert not boxed[:, :3].any() and not boxed[..., :5].any()
