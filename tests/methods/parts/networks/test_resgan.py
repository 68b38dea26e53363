"""Networks of f-AnoGAN: weight counts, shapes and ranges."""

import pytest
import torch

from tests.helpers.networks import weight_count
from uad_methods.fanogan import FAnoGAN


def built(channels=1, **parameters):
    method = FAnoGAN(**parameters)
    method.channels_ = channels
    method.net_ = method.build()
    return method


def block(a, b, inner):
    """Weights of a residual block: two norms, 3x3 without and with bias, 1x1 with bias."""
    return 2 * a + 2 * inner + 9 * a * inner + 9 * inner * b + b + a * b + b


def test_weight_counts_equal_the_sum_from_the_description():
    generator, critic, encoder = built()._nets
    down = [(64, 128), (128, 256), (256, 512), (512, 512)]
    trunk = 9 * 64 + 64 + sum(block(a, b, inner=a) for a, b in down)
    up = [(512, 512), (512, 256), (256, 128), (128, 64)]
    made = 129 * 8192 + sum(block(a, b, inner=b) for a, b in up) + 2 * 64 + 9 * 64 + 1
    assert weight_count(critic) == trunk + 8193
    assert weight_count(encoder) == trunk + 8193 * 128
    assert weight_count(generator) == made


@pytest.mark.parametrize(("side", "channels"), [(64, 1), (96, 2)])
def test_shapes_and_ranges(side, channels):
    generator, critic, encoder = built(channels, side=side, width=4)._nets
    images = torch.rand(3, channels, side, side)
    codes = encoder(images)
    assert codes.shape == (3, 128) and codes.abs().max() <= 1
    assert generator(codes).shape == images.shape and generator(codes).abs().max() <= 1
    assert critic.features(images).shape == (3, 8 * 4 * (side // 16) ** 2) and critic(images).shape == (3,)
