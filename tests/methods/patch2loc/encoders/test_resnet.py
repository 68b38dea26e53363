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
