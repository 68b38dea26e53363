"""Diffusion U-Net: weight counts of the papers, MONAI as reference, conditioning, refused inputs."""

import pytest
import torch

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.diffusion_blocks import Attention, Block
from uad_methods.parts.networks.diffusion_unet import DiffusionUNet

SMALL = {"widths": (8, 16), "blocks": 1, "groups": 4, "head_width": 8}


def randomised(net, seed=0):
    """The network with random weights everywhere: zero-initialised layers would hide the others."""
    torch.manual_seed(seed)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return net


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, 34_493_313),
        ({"scale_shift": True}, 37_513_857),
        ({"scale_shift": True, "condition": 512}, 44_068_481),
        ({"widths": (128, 128, 256, 256, 512, 512), "blocks": 2, "attention": (3, 4, 5)}, 131_649_793),
    ],
)
def test_weight_counts_are_as_published(options, weights):
    with torch.device("meta"):
        assert weight_count(DiffusionUNet(1, **options)) == weights


def test_weight_count_equals_monai():
    pytest.importorskip("einops")
    nets = pytest.importorskip("monai.networks.nets")
    with torch.device("meta"):
        theirs = nets.DiffusionModelUNet(
            spatial_dims=2,
            in_channels=2,
            out_channels=2,
            channels=(16, 32),
            attention_levels=(False, False),
            num_res_blocks=2,
            norm_num_groups=8,
            resblock_updown=True,
            num_head_channels=8,
        )
        assert weight_count(DiffusionUNet(2, (16, 32), 2, groups=8, head_width=8)) == weight_count(theirs)


def test_a_new_network_returns_zero_and_a_new_block_is_the_identity():
    x = torch.randn(2, 8, 8, 12)
    assert not DiffusionUNet(8, **SMALL)(x, torch.tensor([3, 900])).any()
    assert torch.equal(Block(8, 8, 5, 4)(x, torch.randn(2, 5)), x)
    assert torch.equal(Attention(8, 4, 4)(x), x)


@pytest.mark.parametrize("options", [{}, {"scale_shift": True}, {"attention": (0, 1)}, {"condition": 3}])
def test_every_weight_is_used_and_slices_are_independent(options):
    net = randomised(DiffusionUNet(2, **SMALL, **options))
    x, t = torch.randn(3, 2, 16, 12), torch.tensor([0, 500, 999])
    condition = torch.randn(3, 3) if "condition" in options else None
    out = net(x, t, condition)
    out.square().sum().backward()
    assert out.shape == x.shape
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    one = net(x[1:2], t[1:2], None if condition is None else condition[1:2])
    torch.testing.assert_close(out[1:2], one, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("scale_shift", [False, True])
def test_the_timestep_and_the_condition_reach_the_output(scale_shift):
    net = randomised(DiffusionUNet(1, **SMALL, scale_shift=scale_shift, condition=3))
    x, t, condition = torch.randn(1, 1, 8, 8), torch.tensor([100]), torch.zeros(1, 3)
    before = net(x, t, condition)
    assert (net(x, t + 300, condition) - before).abs().max() > 1e-3
    assert (net(x, t, condition + 1) - before).abs().max() > 1e-3


def test_sides_that_cannot_be_halved_and_conditions_that_do_not_fit_are_refused():
    net = DiffusionUNet(1, **SMALL)
    with pytest.raises(ValueError, match="not multiples of 2"):
        net(torch.zeros(1, 1, 8, 7), torch.zeros(1, dtype=torch.int64))
    with pytest.raises(ValueError, match="condition"):
        net(torch.zeros(1, 1, 8, 8), torch.zeros(1, dtype=torch.int64), torch.zeros(1, 3))
