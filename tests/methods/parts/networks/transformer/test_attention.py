"""Neighbour mask and attention against counts and PyTorch's own functions."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from uad_methods.parts.networks.transformer.attention import Attention, neighbour_mask


def tokens(seed, n=2, count=64, dims=16):
    return torch.randn((n, count, dims), generator=torch.Generator().manual_seed(seed))


def test_the_published_mask_leaves_147_keys_in_the_middle_and_180_in_a_corner():
    mask = neighbour_mask(14, 7)
    visible = (mask == 0).sum(dim=1).view(14, 14)
    assert visible[7, 7] == 147 and {int(visible[x, y]) for x in (0, -1) for y in (0, -1)} == {180}
    assert torch.equal(mask, mask.T) and (mask.diagonal() == float("-inf")).all()
    assert set(mask.unique().tolist()) == {0.0, float("-inf")}


@pytest.mark.parametrize(("grid", "window"), [(4, 3), (8, 3), (5, 1)])
def test_hidden_keys_are_those_of_the_window(grid, window):
    mask = neighbour_mask(grid, window).view(grid, grid, grid, grid)
    for x, y, u, v in torch.cartesian_prod(*[torch.arange(grid)] * 4).tolist():
        assert (mask[x, y, u, v] != 0) == (abs(x - u) <= window // 2 and abs(y - v) <= window // 2)


def test_heads_are_pytorch_s_scaled_attention_with_the_same_mask():
    torch.manual_seed(0)
    layer, (q, k, v), mask = Attention(16, 4, 0.5).eval(), map(tokens, range(3)), neighbour_mask(8, 3)
    parts = [
        functional.linear(one, weight, bias).view(2, 64, 4, 4).transpose(1, 2)
        for one, weight, bias in zip(
            (q, k, v), layer.inputs.weight.chunk(3), layer.inputs.bias.chunk(3), strict=True
        )
    ]
    heads = functional.scaled_dot_product_attention(*parts, attn_mask=mask)
    torch.testing.assert_close(layer(q, k, v, mask), layer.output(heads.transpose(1, 2).flatten(2)))


def test_it_is_pytorch_s_own_layer_with_the_same_weights():
    torch.manual_seed(0)
    layer, other = Attention(16, 4, 0.0), nn.MultiheadAttention(16, 4, batch_first=True)
    other.load_state_dict(
        {
            "in_proj_weight": layer.inputs.weight, "in_proj_bias": layer.inputs.bias,
            "out_proj.weight": layer.output.weight, "out_proj.bias": layer.output.bias,
        }
    )  # fmt: skip
    q, k, v, mask = *map(tokens, range(3)), neighbour_mask(8, 3)
    torch.testing.assert_close(layer(q, k, v, mask), other(q, k, v, attn_mask=mask)[0])
