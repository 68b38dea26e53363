"""U-Net of DAE: weight counts, standardised convolution, Swish."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.unet import StandardisedConv, Swish, UNet


@pytest.mark.parametrize(("channels", "count"), [(1, 7_701_825), (4, 7_703_748)])
def test_weight_counts_are_as_published(channels, count):
    assert weight_count(UNet(channels)) == count  # published: 7.70 M for both


def test_groups_are_those_of_the_paper():
    net = UNet(1)
    assert [block[2].num_groups for block in net.down] == [8, 16, 16, 32]
    assert [block[2].num_groups for block in net.up] == [16, 16, 8]


def test_standardised_convolution_equals_numpy():
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


def test_swish_equals_torch_without_denormal_numbers():
    values = torch.linspace(-200, 50, 2001, requires_grad=True)
    found = Swish()(values)
    torch.testing.assert_close(found, torch.nn.functional.silu(values), rtol=1e-6, atol=1e-15)
    slope = torch.autograd.grad(found.sum(), values)[0]
    for numbers in (found.detach(), slope):
        tiny = numbers[(numbers != 0) & (numbers.abs() < torch.finfo(torch.float32).tiny)]
        assert not len(tiny)


@pytest.mark.parametrize("shape", [(96, 96), (33, 50), (5, 9), (80, 97)])
def test_output_has_the_shape_of_the_input(shape):
    assert UNet(2, 8)(torch.rand(1, 2, *shape)).shape == (1, 2, *shape)
