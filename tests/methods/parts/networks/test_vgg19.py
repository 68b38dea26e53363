"""VGG-19: names of its file, Gram matrices and losses against their definitions."""

import numpy as np
import pytest
import torch

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.vgg19 import VGG19, gram, perceptual_loss, style_loss


def test_names_are_those_of_the_usual_file_and_losses_equal_their_definitions():
    torch.manual_seed(0)
    net = VGG19()
    assert weight_count(net) == 20_024_384 and not any(p.requires_grad for p in net.parameters())
    assert net.state_dict()["features.34.weight"].shape == (512, 512, 3, 3)  # conv5_4
    a, b = (net(torch.rand(1, 2, 32, 32)) for _ in range(2))
    assert a["1_1"].shape == (2, 64, 32, 32) and a["5_2"].shape == (2, 512, 2, 2) and "5_3" not in a
    f = a["2_2"].double().numpy().reshape(2, 128, -1)
    products = np.einsum("nik,njk->nij", f, f) / (128 * 16 * 16)
    np.testing.assert_allclose(gram(a["2_2"]), products, rtol=1e-3, atol=1e-8)
    expected = sum(float((a[n] - b[n]).abs().mean()) for n in ("1_1", "2_1", "3_1", "4_1", "5_1"))
    assert float(perceptual_loss(a, b)) == pytest.approx(expected, rel=1e-5)
    levels = sum(float((gram(a[n]) - gram(b[n])).abs().mean()) for n in ("2_2", "3_4", "4_4", "5_2"))
    assert float(style_loss(a, b)) == pytest.approx(levels, rel=1e-5)
    assert perceptual_loss(a, a) == 0 and style_loss(a, a) == 0
