"""Tissue classes against scikit-learn and known mixtures."""

import numpy as np
import torch
from sklearn.cluster import KMeans

from uad_methods.parts.training.synthetic.tissues import centroids, tissues


def test_centroids_are_those_of_scikit_learn_up_to_the_bins():
    rng = np.random.default_rng(0)
    means = (0.1, 0.3, 0.5, 0.7, 0.9)
    values = np.concatenate([rng.normal(mean, 0.02, 2000) for mean in means])
    expected = np.sort(KMeans(5, n_init=5, random_state=0).fit(values[:, None]).cluster_centers_[:, 0])
    np.testing.assert_allclose(centroids(values, 5), expected, atol=2e-3)


def test_centroids_without_values_are_spread_and_constant_values_have_one():
    np.testing.assert_allclose(centroids(np.array([]), 4), [0.125, 0.375, 0.625, 0.875])
    assert np.isfinite(centroids(np.full(10, 0.5), 3)).all()


def test_tissues_are_the_nearest_centroids_of_each_modality():
    image = torch.tensor([0.0, 0.4, 0.6, 1.0]).view(1, 1, 2, 2).expand(1, 2, 2, 2)
    found = tissues(image, torch.tensor([[0.1, 0.9], [0.5, 0.55]]))
    assert found[0].flatten(1).tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]
