"""Blocks of the diffusion U-Net: scale-shift norm, attention against numpy, sinusoids."""

import math

import numpy as np
import torch

from uad_methods.parts.networks.diffusion_blocks import Attention, Block, sinusoids


def randomised(net, seed=0):
    """The network with random weights everywhere: zero-initialised layers would hide the others."""
    torch.manual_seed(seed)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return net


def test_scale_and_shift_follow_the_second_norm():
    block = Block(4, 4, 3, 2, scale_shift=True)
    with torch.no_grad():
        block.embed[1].weight.zero_()
        block.embed[1].bias.copy_(torch.tensor([1.0] * 4 + [0.5] * 4))  # scale 1, shift 0.5
        block.leave[1].weight.zero_()
        for i in range(4):
            block.leave[1].weight[i, i, 1, 1] = 1.0
    x = torch.randn(2, 4, 6, 6)
    inner = block.norm(block.conv(block.enter(x)))
    torch.testing.assert_close(block(x, torch.randn(2, 3)), x + torch.nn.functional.silu(2 * inner + 0.5))


def test_attention_is_the_softmax_of_scaled_products():
    attention = randomised(Attention(8, 2, 4))
    x = torch.randn(1, 8, 3, 2)
    qkv = attention.ask(attention.norm(x))[0].detach().numpy().reshape(3, 2, 4, 6)
    heads = []
    for query, key, value in zip(*qkv, strict=True):
        weights = np.exp(query.T @ key / math.sqrt(4))
        heads.append(value @ (weights / weights.sum(axis=1, keepdims=True)).T)
    mixed = torch.from_numpy(np.concatenate(heads).reshape(1, 8, 3, 2))
    torch.testing.assert_close(attention(x), x + attention.answer(mixed), atol=1e-5, rtol=1e-5)


def test_attention_with_gradient_equals_the_fused_kernel():
    attention, x = randomised(Attention(8, 2, 4)), torch.randn(2, 8, 4, 4)
    with torch.no_grad():
        scored = attention(x)
    torch.testing.assert_close(attention(x.requires_grad_()), scored, atol=1e-5, rtol=1e-5)


def test_sinusoids_are_cosines_then_sines():
    found = sinusoids(torch.tensor([0, 7]), 4)
    slow = 7 / math.sqrt(10_000)
    expected = [[1, 1, 0, 0], [math.cos(7), math.cos(slow), math.sin(7), math.sin(slow)]]
    torch.testing.assert_close(found, torch.tensor(expected))
