"""Blocks of the DDPM++-style U-Net: embedding, resizing, causal attention, groups."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from uad_methods.parts.networks.ddpmpp.blocks import Attention, ResidualBlock, Style, groups, heads


def randomised(net, seed=0):
    """The network with random weights everywhere: zero-initialised layers would hide the others."""
    torch.manual_seed(seed)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return net


@pytest.mark.parametrize("rescale", [False, True])
def test_scale_and_shift_follow_the_second_norm_and_the_sum_is_rescaled(rescale):
    block = ResidualBlock(8, 8, Style(3, rescale=rescale))
    with torch.no_grad():
        block.embed.weight.zero_()
        block.embed.bias.copy_(torch.tensor([1.0] * 8 + [0.5] * 8))  # scale 1, shift 0.5
        for i in range(8):
            block.leave.weight[i, i, 1, 1] = 1.0
    x = torch.randn(2, 8, 6, 6)
    inner = block.norm(block.conv(functional.silu(block.enter[0](x))))
    expected = x + functional.silu(2 * inner + 0.5)
    torch.testing.assert_close(block(x, torch.randn(2, 3)), expected / math.sqrt(2) if rescale else expected)


@pytest.mark.parametrize("way", ["down", "up"])
def test_a_new_block_that_resizes_is_its_shortcut(way):
    block, x = ResidualBlock(4, 4, Style(rescale=False), way=way), torch.randn(1, 4, 6, 8)
    found = block(x)
    resized = (
        functional.avg_pool2d(x, 2) if way == "down" else x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    )
    torch.testing.assert_close(found, functional.conv2d(resized, block.shortcut.weight, block.shortcut.bias))


def test_upsampling_commutes_with_norm_and_activation():
    """The branch of "up" equals upsampling directly after the first convolution."""
    block = randomised(ResidualBlock(8, 8, Style(3, rescale=False), way="up")).eval()
    x, embedding = torch.randn(2, 8, 4, 4), torch.randn(2, 3)
    inner = functional.interpolate(block.conv(block.enter(x)), scale_factor=2.0)
    scale, shift = block.embed(embedding)[..., None, None].chunk(2, dim=1)
    branch = block.leave(functional.silu(block.norm(inner) * (1 + scale) + shift))
    expected = block.shortcut(functional.interpolate(x, scale_factor=2.0)) + branch
    torch.testing.assert_close(block(x, embedding), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_the_softmax_of_scaled_products_over_earlier_pixels_if_causal(causal):
    attention = randomised(Attention(8, Style(head_width=4, causal=causal, rescale=False)))
    x = torch.randn(1, 8, 3, 2)
    qkv = attention.ask(attention.norm(x))[0].detach().numpy().reshape(3, 2, 4, 6)
    seen, mixed = np.tri(6) if causal else np.ones((6, 6)), []
    for query, key, value in zip(*qkv, strict=True):
        weights = np.exp(query.T @ key / math.sqrt(4)) * seen
        mixed.append(value @ (weights / weights.sum(axis=1, keepdims=True)).T)
    values = torch.from_numpy(np.concatenate(mixed).reshape(1, 8, 3, 2)).float()
    torch.testing.assert_close(
        attention(x), x + attention.answer(attention.project(values)), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("causal", [False, True])
def test_attention_with_gradient_equals_the_fused_kernel(causal):
    attention, x = randomised(Attention(8, Style(head_width=4, causal=causal))), torch.randn(2, 8, 4, 4)
    with torch.no_grad():
        scored = attention(x)
    torch.testing.assert_close(attention(x.requires_grad_()), scored, atol=1e-5, rtol=1e-5)


def test_causal_attention_of_a_pixel_ignores_later_ones():
    attention = randomised(Attention(8, Style(causal=True)))
    x = torch.randn(1, 8, 4, 4)
    attention.norm = torch.nn.Identity()  # group norm mixes all pixels
    changed = x.clone()
    changed[..., 2, 1:] += 1.0
    changed[..., 3, :] += 1.0
    same = (attention(x) == attention(changed)).all(dim=1)[0]
    expected = torch.ones(4, 4, dtype=torch.bool)
    expected[2, 1:], expected[3] = False, False
    assert torch.equal(same, expected)


def test_groups_have_four_channels_and_are_at_most_32():
    assert [groups(width) for width in (4, 8, 96, 128, 160, 512)] == [1, 2, 24, 32, 32, 32]
    assert groups(140) == 28  # 32 and 31 to 29 do not divide it


def test_heads_have_32_channels():
    assert [heads(width, 32) for width in (16, 32, 96, 128)] == [1, 1, 3, 4]
    with pytest.raises(ValueError, match="48"):
        heads(48, 32)
