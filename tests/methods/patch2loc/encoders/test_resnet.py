"""Encoder of the published network: sizes of its maps."""

import torch

from uad_methods.patch2loc.encoders.resnet import resnet_encoder


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
