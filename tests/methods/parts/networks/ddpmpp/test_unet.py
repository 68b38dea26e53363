"""DDPM++-style U-Net: counts of weights and multiplications, levels, second input, refused sizes."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.ddpmpp.blocks import Attention, AttentionBlock, ResidualBlock
from uad_methods.parts.networks.ddpmpp.unet import DDPMPlusPlus, Plan

SMALL = {"base": 8, "multipliers": (1, 2), "blocks": (1, 2), "attention": (1,), "dropped": (1,)}
PHANTOM = {
    "base": 16,
    "multipliers": (1, 1, 2, 2),
    "blocks": (1, 1, 1, 1),
    "attention": (2, 3),
    "dropped": (),
}
RIAD = {"blocks": (1, 1, 1, 2, 3, 2), "time": False, "rescale": False, "causal": True}
ITERMASK = {"norm": "batch", "time": False, "rescale": False, "causal": True}
DISYRE = {
    "base": 64,
    "multipliers": (1, 2, 2, 4, 4),
    "blocks": (1, 1, 2, 4, 2),
    "attention": (3, 4),
    "dropped": (4,),
}


def randomised(net, seed=0):
    """The network with random weights everywhere: zero-initialised layers would hide the others."""
    torch.manual_seed(seed)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return net


def made(channels=1, outputs=0, **options):
    return DDPMPlusPlus(Plan(**options), channels, outputs)


@pytest.mark.parametrize(
    ("channels", "options", "weights"),
    [
        (1, {}, 7_537_025),
        (1, RIAD, 6_267_425),
        (1, ITERMASK, 6_748_481),
        (2, ITERMASK, 6_748_769),
        (1, DISYRE, 39_252_353),
        (1, PHANTOM, 397_729),
    ],
)
def test_weight_counts_are_those_of_the_published_networks(channels, options, weights):
    with torch.device("meta"):
        assert weight_count(made(channels, outputs=1, **options)) == weights


@pytest.mark.parametrize(
    ("options", "side", "billions"), [({}, 224, 7.6), (RIAD, 224, 7.5), (DISYRE, 128, 23.1)]
)
def test_multiplications_of_a_slice_are_those_of_the_published_networks(options, side, billions):
    """Of convolutions and dense layers; they depend on where in a block the sides are halved and doubled."""
    with torch.device("meta"), torch.no_grad():
        net = made(**options)
        t = torch.zeros(1) if net.plan.time else None
        with FlopCounterMode(display=False) as counter:
            net(torch.zeros(1, 1, side, side), t)
    counts = counter.get_flop_counts()["Global"]
    assert (
        round(
            sum(n for op, n in counts.items() if "attention" not in str(op) and "bmm" not in str(op)) / 2e9, 1
        )
        == billions
    )


def test_a_new_network_returns_zero():
    assert not made(2, **SMALL)(torch.randn(2, 2, 8, 12), torch.tensor([0.1, 0.9])).any()


@pytest.mark.parametrize(
    "options",
    [{}, {"causal": True}, {"rescale": False}, {"time": False}, {"attention": (0, 1), "head_width": 4}],
)
def test_every_weight_is_used_and_slices_are_independent(options):
    net = randomised(made(2, 3, **{**SMALL, **options})).eval()
    x, t = torch.randn(3, 2, 16, 12), None if "time" in options else torch.tensor([0.0, 0.4, 1.0])
    out = net(x, t)
    out.square().sum().backward()
    assert out.shape == (3, 3, 16, 12)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    one = net(x[1:2], None if t is None else t[1:2])
    torch.testing.assert_close(out[1:2], one, atol=1e-4, rtol=1e-4)


def test_the_noise_level_reaches_the_output():
    net, x = randomised(made(**SMALL)).eval(), torch.randn(1, 1, 8, 8)
    assert (net(x, torch.tensor([9.0])) - net(x, torch.tensor([0.0]))).abs().max() > 1e-3


def test_attention_and_dropout_are_at_the_levels_of_the_plan():
    net = made(base=4, dropout=0.25)
    steps = [*net.down, *net.middle, *net.up]
    with_attention = [isinstance(step, AttentionBlock) for step in net.down]
    assert (
        with_attention == [False] * 9 + [True] * 4 + [False] + [True] * 2
    )  # a step that halves is level 4's last
    assert [isinstance(step, AttentionBlock) for step in net.middle] == [True, False]
    assert [i for i, step in enumerate(net.up) if isinstance(step, AttentionBlock)] == [2, 8]
    assert sum(isinstance(layer, Attention) for layer in net.modules()) == 4 + 2 + 1 + 2
    dropouts = [next(m.p for m in step.modules() if isinstance(m, torch.nn.Dropout)) for step in steps]
    below = [step for step, p in zip(steps, dropouts, strict=True) if p == 0.25]
    assert set(dropouts) == {0.0, 0.25} and len(below) == (1 + 4) + (1 + 2) + 2 + (3 + 1) + 5


def test_dropout_acts_in_training_only():
    net, x = randomised(made(**SMALL, dropout=0.5)), torch.randn(1, 1, 8, 8)
    t = torch.tensor([0.5])
    assert not torch.equal(net(x, t), net(x, t))
    net.eval()
    assert torch.equal(net(x, t), net(x, t))


def test_batch_norm_sees_a_training_batch_once():
    net = made(**{**SMALL, "norm": "batch", "time": False})
    net(torch.randn(2, 1, 8, 8))
    norms = [layer for layer in net.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    assert norms and {int(layer.num_batches_tracked) for layer in norms} == {1}
    assert not any(isinstance(layer, torch.nn.GroupNorm) for layer in net.modules())


def test_inputs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="not multiples of 2"):
        made(**SMALL)(torch.zeros(1, 1, 8, 7), torch.zeros(1))
    with pytest.raises(ValueError, match="given: False, expected: True"):
        made(**SMALL)(torch.zeros(1, 1, 8, 8))
    with pytest.raises(ValueError, match="given: True, expected: False"):
        made(**SMALL, time=False)(torch.zeros(1, 1, 8, 8), torch.zeros(1))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"blocks": (1,)}, "1 levels"),
        ({"multipliers": (), "blocks": ()}, "0 levels"),
        ({"base": 7}, "even"),
        ({"blocks": (1, 0)}, "at least 1"),
        ({"attention": (2,)}, "level 2 of 2"),
        ({"dropped": (-1,)}, "level -1"),
        ({"multipliers": (1, 6)}, "48 channels"),  # attention has heads of 32
        ({"multipliers": (1,) * 11, "blocks": (1,) * 11}, "11 levels"),
        ({"blocks": (1, 101)}, "101 blocks"),
        ({"multipliers": (1, 16_384)}, "131072 channels"),
    ],
)
def test_sizes_of_which_no_network_can_be_built_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Plan(**{**SMALL, **wrong})


def test_blocks_that_resize_are_residual_blocks():
    ways = [step.way for step in made(**PHANTOM).up if isinstance(step, ResidualBlock)]
    assert ways.count("up") == 3
