"""UniAD's transformer: counts, what a token may depend on, first weights."""

import pytest
import torch
from torch import nn

from uad_methods.parts.networks.transformer.layers import Sizes
from uad_methods.parts.networks.transformer.rebuilding import TokenTransformer

SMALL = Sizes(16, 4, 32, 0.1)


def small(grid=8, window=3, layers=2):
    torch.manual_seed(0)
    return TokenTransformer(12, grid, window, layers, SMALL).eval()


def tokens(seed=0, grid=8, n=2):
    return torch.randn((n, grid**2, 12), generator=torch.Generator().manual_seed(seed))


def near(grid, window, x, y):
    """Indices of the tokens in the window around (x, y), without it."""
    half = range(-(window // 2), window // 2 + 1)
    return [grid * (x + i) + y + j for i in half for j in half if (i, j) != (0, 0)]


@pytest.mark.parametrize(("channels", "count"), [(224, 7_692_768), (272, 7_717_392), (448, 7_807_680)])
def test_published_counts_of_weights(channels, count):
    with torch.device("meta"):
        net = TokenTransformer(channels, 14, 7, 4, Sizes(256, 8, 1024, 0.1))
    assert sum(p.numel() for p in net.parameters()) == count == 7_577_856 + 513 * channels


def test_the_48_neighbours_of_a_token_do_not_change_the_first_encoder_layer_s_output_at_it():
    net, x = small(14, 7), tokens(grid=14)
    other, around, at = x.clone(), near(14, 7, 6, 9), 14 * 6 + 9
    other[:, around] = tokens(1, 14)[:, around]
    assert len(around) == 48
    first, second = (net.encoder[0](net.entry(one), net.positions(), net.mask) for one in (x, other))
    assert torch.equal(first[:, at], second[:, at])
    assert not torch.equal(first[:, 0], second[:, 0])


def test_a_token_and_its_neighbours_do_not_change_a_decoder_layer_s_output_at_it():
    net, x = small(), tokens(2)
    encoded = net.entry(x)
    other, at = encoded.clone(), 8 * 4 + 3
    other[:, [at, *near(8, 3, 4, 3)]] = 5.0
    layer = net.decoder[0]
    first, second = (layer(one, one, net.positions(), net.mask)[:, at] for one in (encoded, other))
    assert torch.equal(first, second)


def test_the_second_attention_looks_at_the_previous_layer_and_the_first_at_the_encoder():
    net = small()
    one, other = net.entry(tokens(3)), net.entry(tokens(4))
    layer, rest = net.decoder[1], (net.positions(), net.mask)
    outputs = [layer(a, b, *rest) for a, b in ((one, one), (one, other), (other, one))]
    assert not torch.equal(outputs[0], outputs[1]) and not torch.equal(outputs[0], outputs[2])
    seen = []
    layer.to_encoder.register_forward_hook(lambda part, given, out: seen.append(given))
    layer.to_previous.register_forward_hook(lambda part, given, out: seen.append(given))
    layer(one, other, *rest)
    (query, key, value, _), (_, later_key, later_value, _) = seen
    torch.testing.assert_close(query, (layer.query + rest[0]).expand(2, -1, -1))
    assert torch.equal(value, one) and torch.equal(key, one + rest[0])
    assert torch.equal(later_value, other) and torch.equal(later_key, other + rest[0])


def test_two_passes_in_eval_mode_are_equal_and_in_train_mode_not():
    net, x = small(), tokens()
    assert torch.equal(net(x), net(x))
    net.train()
    assert not torch.equal(net(x), net(x))


def test_tokens_of_a_row_share_its_vector_and_positions_are_no_values():
    net = small()
    at = net.positions().view(8, 8, 16)
    assert torch.equal(at[3, :, 8:], net.rows[3].expand(8, -1)) and torch.equal(
        at[:, 5, :8], net.columns[5].expand(8, -1)
    )
    assert at.min() >= 0 and at.max() < 1


def test_first_weights_are_xavier_s():
    with torch.device("cpu"):
        torch.manual_seed(0)
        net = TokenTransformer(272, 14, 7, 1, Sizes(256, 8, 1024, 0.1))
    for name, bound in (
        ("encoder.0.attention.inputs", (6 / 1024) ** 0.5),
        ("encoder.0.feed.0", (6 / 1280) ** 0.5),
    ):
        layer = net.get_submodule(name)
        assert layer.weight.abs().max().item() == pytest.approx(bound, rel=1e-3)
        assert (layer.bias == 0).all()
    assert net.decoder[0].query.std().item() == pytest.approx(1, abs=0.02)
    assert all((one.weight == 1).all() for one in net.modules() if isinstance(one, nn.LayerNorm))


def test_the_mask_is_a_buffer_that_is_not_stored():
    assert "mask" in dict(small().named_buffers()) and "mask" not in small().state_dict()
