"""Beliefs against scipy's distributions, and the score's definition."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import logsumexp

from uad_methods.patch2loc.belief import SIZES, belief_loss, product, score_terms

LN_2PI = np.log(2 * np.pi)


def beliefs(name: str, k: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng, sizes = np.random.default_rng(7), SIZES[name]
    shapes = (
        rng.normal(50, 9, (k, sizes.mean)),
        rng.normal(1, 0.7, (k, sizes.spread)),
        rng.normal(50, 9, (k, 2)),
    )
    mean, spread, target = (torch.from_numpy(one) for one in shapes)
    return mean.requires_grad_(), spread.requires_grad_(), target


def covariance(row: np.ndarray) -> np.ndarray:
    across = np.tanh(row[2]) * np.exp(0.5 * (row[0] + row[1]))
    return np.array([[np.exp(row[0]), across], [across, np.exp(row[1])]])


def test_a_full_belief_is_the_bivariate_normal() -> None:
    mean, spread, target = beliefs("full")
    m, s, t = (one.detach().numpy() for one in (mean, spread, target))
    logs = [stats.multivariate_normal(m[i], covariance(s[i])).logpdf(t[i]) + LN_2PI for i in range(len(m))]
    assert belief_loss("full", mean, spread, target, 0.0).item() == pytest.approx(-np.mean(logs), rel=1e-10)
    half_log_det = [0.5 * np.linalg.slogdet(covariance(row))[1] for row in s]
    found = score_terms("full", mean, spread, target)
    np.testing.assert_allclose(found.log_spread.detach(), half_log_det, rtol=1e-5)
    np.testing.assert_allclose(found.log_error.detach(), np.log(((m - t) ** 2).sum(1)), rtol=1e-4)


def test_without_correlation_a_full_belief_scores_as_a_diagonal_one() -> None:
    mean, spread, target = beliefs("diagonal")
    wider = torch.cat([spread, torch.zeros(len(spread), 1)], dim=1)
    torch.testing.assert_close(
        score_terms("full", mean, wider, target), score_terms("diagonal", mean, spread, target)
    )


def test_a_mixture_is_two_normals() -> None:
    mean, spread, target = beliefs("mixture")
    m, s, t = (one.detach().numpy() for one in (mean, spread, target))
    first = 1 / (1 + np.exp(-s[:, 4]))
    joint = np.stack(
        [
            np.log(weight)
            + stats.norm(m[:, c : c + 2], np.exp(0.5 * s[:, c : c + 2])).logpdf(t).sum(1)
            + LN_2PI
            for c, weight in ((0, first), (2, 1 - first))
        ]
    )
    loss = belief_loss("mixture", mean, spread, target, 0.0).item()
    assert loss == pytest.approx(-logsumexp(joint, axis=0).mean(), rel=1e-10)
    found, best = score_terms("mixture", mean, spread, target), joint.argmax(0)
    for i, c in enumerate(best):
        error = ((m[i, 2 * c : 2 * c + 2] - t[i]) ** 2).sum()
        log_spread = 0.5 * s[i, 2 * c : 2 * c + 2].sum() - np.log([first[i], 1 - first[i]][c])
        assert found.log_error[i].item() == pytest.approx(np.log(error), abs=1e-4)
        assert found.log_spread[i].item() == pytest.approx(log_spread, abs=1e-4)


@pytest.mark.parametrize("name", ["full", "mixture"])
def test_the_weight_of_a_patch_has_no_gradient(name: str) -> None:
    mean, spread, target = beliefs(name, 1)
    plain = torch.autograd.grad(belief_loss(name, mean, spread, target, 0.0), (mean, spread))
    weighted = torch.autograd.grad(belief_loss(name, mean, spread, target, 0.5), (mean, spread))
    ratios = torch.cat([(w / p)[p != 0] for w, p in zip(weighted, plain, strict=True)])
    assert ratios.std() < 1e-9 * ratios.mean()
    assert ratios.mean() != pytest.approx(1.0)


def test_a_product_of_experts_adds_precisions() -> None:
    means, spreads = [torch.tensor([[10.0, 0.0]]), torch.tensor([[40.0, 8.0]])], [torch.zeros(1, 2)] * 2
    mean, log_variance = product(means, [spreads[0], torch.log(torch.tensor([[0.5, 1e6]]))])
    torch.testing.assert_close(mean, torch.tensor([[30.0, 8e-6]]), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(log_variance, -torch.log(torch.tensor([[3.0, 1.000001]])))


def test_the_score_is_log_squared_error_plus_mean_log_variance() -> None:
    mean, place = torch.tensor([[3.0, 4.0], [1.0, 1.0]]), torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    log_variance = torch.tensor([[2.0, 6.0], [0.0, 0.0]])
    expected = [np.log(25.0) + 4.0, np.log(1e-10)]
    np.testing.assert_allclose(score_terms("diagonal", mean, log_variance, place).score, expected, rtol=1e-6)
