"""Encoder of the published network: sizes of its maps, convolutions of small maps."""

import pytest
import torch
from torch import nn

from uad_methods.patch2loc.encoders.resnet import Conv3, resnet_encoder


def test_a_patch_of_24_gives_one_latent_as_published() -> None:
    sizes, x = [24], torch.rand(1, 1, 24, 24)
    for layer in resnet_encoder(1).eval():
        x = layer(x)
        sizes += [x.shape[-1]] if x.shape[-1] != sizes[-1] else []
    assert sizes == [24, 14, 7, 4, 2, 1]
    assert x.shape == (1, 512, 1, 1)


def test_gradients_in_bf16_do_not_depend_on_freed_memory():
    """Patches of 6 pixels end in maps of one pixel, where oneDNN left gradients uninitialised."""
    encoder = resnet_encoder(1)
    for _ in range(5):
        freed = [torch.full((size,), torch.nan) for size in (1 << 12, 1 << 16, 1 << 20, 3 << 20)]
        del freed
        encoder.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            latent = encoder(torch.randn(32, 1, 6, 6))
        latent.float().square().mean().backward()
        assert all(weight.grad.isfinite().all() for weight in encoder.parameters())


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (2, 1), (3, 3)])
def test_small_maps_have_the_values_and_gradients_of_the_padded_convolution(shape, stride):
    layer = Conv3(5, 7, stride).double()
    x = torch.randn(4, 5, *shape, dtype=torch.float64, requires_grad=True)
    found, expected = layer(x), nn.functional.conv2d(x, layer.weight, stride=stride, padding=1)
    torch.testing.assert_close(found, expected)
    upstream = torch.randn_like(expected)
    for one, other in zip(
        *(torch.autograd.grad(y, (x, layer.weight), upstream) for y in (found, expected)), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_small_maps_are_a_matrix_product(monkeypatch):
    """The convolution is called for the maps of 7 and 4 pixels only; it multiplied padding in the others."""
    called = []
    convolve = nn.Conv2d.forward
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, x: called.append(x.shape[-1]) or convolve(self, x))
    resnet_encoder(1)(torch.rand(2, 1, 24, 24))
    assert set(called) == {24, 7, 4, 2} and called.count(2) == 1  # 2: the shortcut, a 1x1 convolution
