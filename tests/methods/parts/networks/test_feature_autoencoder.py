"""Feature autoencoder: weight counts and shapes."""

import pytest
import torch

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.feature_autoencoder import FeatureAutoencoder


def test_weight_counts_are_as_published():
    body = FeatureAutoencoder(1, 0.1, adapt_bn=True).autoencoder
    assert weight_count(body) == 10_285_048
    assert (weight_count(body[:5]), weight_count(body[5:])) == (5_516_500, 4_768_548)


@pytest.mark.parametrize("side", [64, 128])
def test_reconstructed_features_have_the_shape_of_the_features(side):
    net = FeatureAutoencoder(2, 0.1, adapt_bn=True)
    features, rebuilt = net(torch.rand(2, 2, side, side))
    assert features.shape == rebuilt.shape == (2, 512, side // 4, side // 4)
    assert net.autoencoder[:5](features).shape == (2, 300, side // 64, side // 64)
