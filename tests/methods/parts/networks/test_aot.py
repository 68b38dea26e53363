"""AOT-GAN networks: weight counts, sizes, padding and upsampling against torch."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.aot import (
    Critic,
    Generator,
    ReflectionPad,
    Upsample2x,
    gate_values,
    resize_bilinear,
)


def test_weight_counts_are_as_published():
    generator, critic = Generator(1), Critic(1)
    assert (weight_count(generator), weight_count(critic)) == (15_193_409, 2_761_729)
    weights = torch.cat([p.flatten() for n, p in generator.named_parameters() if n.endswith("weight")])
    assert float(weights.detach().std()) == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize("channels", [1, 2])
def test_outputs_have_their_sizes_and_the_critic_is_spectrally_normalised(channels):
    generator, critic = Generator(channels, 4), Critic(channels, 4)
    inpainted = generator(torch.rand(2, channels + 1, 64, 64))
    assert inpainted.shape == (2, channels, 64, 64) and inpainted.abs().max() <= 1
    assert critic(torch.rand(2, channels, 128, 128)).shape == (2, 1, 14, 14)
    for _ in range(30):  # power iterations
        critic(inpainted)
    for conv in list(critic)[:-1:2]:
        assert float(torch.linalg.matrix_norm(conv.weight.detach().flatten(1), 2)) == pytest.approx(
            1, abs=0.05
        )


def test_padding_and_upsampling_equal_torch():
    x = torch.rand(2, 3, 13, 9)
    assert torch.equal(ReflectionPad(8)(x), functional.pad(x, (8,) * 4, mode="reflect"))
    for found, size in ((Upsample2x()(x), (26, 18)), (resize_bilinear(x, (40, 31)), (40, 31))):
        expected = functional.interpolate(x, size, mode="bilinear", align_corners=True)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_the_gate_equals_its_formula_and_is_finite_for_constant_features():
    a = torch.randn(2, 3, 8, 8)
    values = a.double().numpy()
    z = (values - values.mean((2, 3), keepdims=True)) / values.std((2, 3), ddof=1, keepdims=True)
    np.testing.assert_allclose(gate_values(a), 1 / (1 + np.exp(-5 * (2 * z - 1))), atol=1e-5)
    flat = torch.full((1, 2, 4, 4), 3.0, requires_grad=True)
    gate_values(flat).sum().backward()
    torch.testing.assert_close(gate_values(flat), torch.full_like(flat, 1 / (1 + np.exp(5))))
    assert torch.isfinite(flat.grad).all()
