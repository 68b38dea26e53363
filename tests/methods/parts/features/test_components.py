"""The linear map of features that is learnt from healthy ones."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from uad_methods.parts.features.components import Components, divisors


@pytest.fixture
def healthy():
    rng = torch.Generator().manual_seed(2)
    return torch.randn(200, 5, generator=rng) * torch.tensor([1.0, 4.0, 2.0, 0.5, 3.0]) + 7


def settled(healthy, *options):
    components = Components(5, *options)
    components.settle(healthy)
    return components(healthy)


def test_all_components_leave_features_unchanged(healthy):
    assert torch.equal(settled(healthy, 5, False, False), healthy)


def test_the_first_components_are_those_of_scikit_learn_up_to_their_sign(healthy):
    expected = PCA(3).fit_transform(healthy.numpy())
    np.testing.assert_allclose(settled(healthy, 3, False, False).abs().numpy(), np.abs(expected), atol=1e-4)


@pytest.mark.parametrize("kept", [2, 5])
def test_standardised_results_have_mean_zero_and_deviation_one(healthy, kept):
    found = settled(healthy, kept, True, False)
    assert found.mean(dim=0).numpy() == pytest.approx(0, abs=1e-5)
    assert found.std(dim=0).numpy() == pytest.approx(1, abs=1e-5)


def test_results_have_length_one_on_request(healthy):
    assert settled(healthy, 2, False, True).norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)


def test_a_number_is_divided_by_a_thousandth_of_the_root_mean_square_at_least():
    found = divisors(torch.tensor([0.0, 0.004, 3.0, 4.0, 0.0]))
    least = 1e-3 * 5**0.5
    assert found.tolist() == pytest.approx([least, 0.004, 3, 4, least], rel=1e-5)
    assert torch.equal(divisors(torch.zeros(3)), torch.ones(3))


def test_a_number_that_is_constant_in_healthy_features_only_stays_small(healthy):
    healthy[:, 3] = 0
    components = Components(5, 5, True, False)
    components.settle(healthy)
    assert components(healthy.index_fill(1, torch.tensor([3]), 0.1)).abs().max() < 100


def test_a_constant_number_stays_finite():
    assert settled(torch.ones(10, 5), 5, True, False).isfinite().all()
