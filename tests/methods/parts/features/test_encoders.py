"""Encoders of slices: raw patches, filters, tokens of a vision transformer."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from uad_methods.parts.features.encoders import DinoTokens, FilterBank, RawPatches, ResNetTaps
from uad_methods.parts.networks.vit import VisionTransformer


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def test_raw_patches_are_the_pixels_around_each_pixel():
    images = noise(2, 2, 7, 9)
    found = RawPatches(3, centre=False)(images).view(2, 2, 3, 3, 7, 9)
    for dx in range(3):
        for dy in range(3):
            assert torch.equal(found[:, :, dx, dy, 1:-1, 1:-1], images[:, :, dx : dx + 5, dy : dy + 7])


def test_centred_patches_do_not_change_with_the_brightness():
    images, encoder = noise(1, 1, 8, 8), RawPatches(3, centre=True)
    inside = (..., slice(1, -1), slice(1, -1))
    assert torch.allclose(encoder(images)[inside], encoder(images + 0.3)[inside], atol=1e-6)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
def test_filters_are_gaussian_derivatives_times_powers_of_their_width(sigma):
    image = ndimage.gaussian_filter(noise(1, 1, 64, 64).numpy()[0, 0], 3)
    found = FilterBank()(torch.from_numpy(image)[None, None])[0].numpy()
    first = 6 * [1.0, 2.0, 4.0].index(sigma)
    for at, order in enumerate([(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]):
        expected = ndimage.gaussian_filter(
            image, sigma, order=order, mode="nearest", truncate=6
        ) * sigma ** sum(order)
        scale = np.abs(expected).max()
        middle = (slice(24, 40), slice(24, 40))
        np.testing.assert_allclose(found[first + at][middle], expected[middle], atol=0.1 * scale)


def test_derivatives_of_a_constant_are_zero():
    found = FilterBank()(torch.full((1, 1, 30, 30), 0.7))[0]
    assert found[::6].numpy() == pytest.approx(0.7, abs=1e-5)
    rest = [i for i in range(18) if i % 6]
    assert found[rest].abs().max() < 1e-5


def test_the_vision_transformer_has_the_published_number_of_weights():
    net = VisionTransformer()
    assert sum(p.numel() for p in net.parameters()) == 22_056_576
    parts = {
        "patch_embed": 226_176, "cls_token": 384, "pos_embed": 526_080, "mask_token": 384,
        "blocks.0": 1_775_232, "norm": 768,
    }  # fmt: skip
    for name, count in parts.items():
        found = sum(
            p.numel() for key, p in net.named_parameters() if key == name or key.startswith(f"{name}.")
        )
        assert found == count, name


def test_attention_is_that_of_torch():
    torch.manual_seed(0)
    net = VisionTransformer(width=32, depth=1, heads=4, patch=4)
    attention, tokens = net.blocks[0].attn, torch.randn(2, 5, 32)
    reference = torch.nn.MultiheadAttention(32, 4, batch_first=True)
    reference.in_proj_weight.data, reference.in_proj_bias.data = (
        attention.qkv.weight.data,
        attention.qkv.bias.data,
    )
    reference.out_proj.load_state_dict(attention.proj.state_dict())
    expected = reference(tokens, tokens, tokens)[0]
    assert torch.allclose(attention(tokens), expected, atol=1e-6)


def test_learned_positions_are_used_as_they_are_on_their_own_grid_and_resized_on_others():
    torch.manual_seed(0)
    net = VisionTransformer(width=8, depth=1, heads=2, patch=1)
    net.pos_embed.data = torch.randn(1, 1 + 37 * 37, 8)
    assert net._positions(37, 37) is net.pos_embed
    small = net._positions(10, 12)
    assert small.shape == (1, 121, 8) and torch.equal(small[:, 0], net.pos_embed[:, 0])
    assert net(torch.randn(1, 3, 10, 12)).shape == (1, 8, 10, 12)


def test_shapes_and_strides():
    images = noise(2, 2, 56, 56)
    for encoder in (RawPatches(5, centre=True), FilterBank(), ResNetTaps((1, 2), 4), DinoTokens()):
        with torch.no_grad():
            found = encoder.eval()(images)
        assert found.shape == (2, 2 * encoder.channels, 56 // encoder.stride, 56 // encoder.stride)
