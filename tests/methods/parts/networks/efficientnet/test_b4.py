"""EfficientNet-B4: counts, names and numbers against MONAI's port of the published weights; padding."""

import hashlib
import re

import pytest
import torch
from monai.networks.nets.efficientnet import EfficientNetBN

from uad_bench.errors import DataError
from uad_methods.parts.networks.efficientnet.b4 import CHANNELS, STEM, EfficientNetB4, shapes
from uad_methods.parts.networks.efficientnet.block import SameConv, same_margins
from uad_methods.parts.weights import load_into


def renamed(state):
    """MONAI's names without its number of the stage: those of weight files."""
    return {re.sub(r"^_blocks\.\d+\.", "_blocks.", name): value for name, value in state.items()}


@pytest.fixture(scope="module")
def monai():
    torch.manual_seed(0)
    net = EfficientNetBN("efficientnet-b4", spatial_dims=2, pretrained=False).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return net


@pytest.mark.parametrize(("blocks", "count"), [(22, 3_635_984), (16, 1_329_260)])
def test_counts_of_weights(blocks, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in EfficientNetB4(blocks).parameters()) == count


def test_every_weight_has_the_name_and_shape_of_the_port(monai):
    own, theirs = EfficientNetB4().state_dict(), renamed(monai.state_dict())
    assert {name: one.shape for name, one in own.items()} == {name: theirs[name].shape for name in own}
    last = {name for name in theirs if re.match(r"_blocks\.([01]?\d|2[01])\.|_conv_stem|_bn0", name)}
    assert set(own) == last


def test_a_file_of_the_port_gives_its_maps(monai, tmp_path):
    torch.save(renamed(monai.state_dict()), tmp_path / "efficientnet-b4.pth")
    net, outputs = EfficientNetB4().eval(), {}
    with pytest.raises(Exception, match="digest"):
        load_into(net, tmp_path / "efficientnet-b4.pth")
    net.load_state_dict({name: renamed(monai.state_dict())[name] for name in net.state_dict()})
    blocks = [block for stage in monai._blocks for block in stage]
    for i in (1, 5, 9, 21):
        blocks[i].register_forward_hook(lambda block, given, out, i=i: outputs.update({i: out}))
    images = torch.randn((2, 3, 64, 96), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        monai(images)
        found = net.taps(images)
    for one, other in zip(found[1:], outputs.values(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_file_without_one_of_the_weights_is_refused(tmp_path):
    state = EfficientNetB4(2).state_dict()
    del state["_blocks.1._se_reduce.bias"]
    torch.save(state, tmp_path / "w.pth")
    digest = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    with pytest.raises(DataError, match="1 missing"):
        load_into(EfficientNetB4(2), tmp_path / "w.pth", digest)


@pytest.mark.parametrize("side", [32, 64, 224])
def test_maps_have_published_channels_at_their_strides(side):
    with torch.device("meta"):
        found = EfficientNetB4().taps(torch.zeros(1, 3, side, side))
    sizes = zip((STEM, *CHANNELS), (2, 2, 4, 8, 16), strict=True)
    assert [one.shape for one in found] == [(1, c, side // s, side // s) for c, s in sizes]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "margins"),
    [(380, 3, 2, (0, 1)), (95, 5, 2, (2, 2)), (112, 5, 2, (1, 2)), (24, 5, 1, (2, 2)), (24, 1, 1, (0, 0))],
)
def test_the_odd_zero_of_a_padding_is_after_the_image(size, kernel, stride, margins):
    assert same_margins(size, kernel, stride) == margins
    conv = SameConv(1, 1, kernel, stride, size)
    assert conv(torch.zeros(1, 1, size, size)).shape[-1] == -(-size // stride)


def test_a_padded_convolution_against_its_sum():
    conv = SameConv(1, 1, 3, 2, 8)
    torch.nn.init.ones_(conv.weight)
    found = conv(torch.ones(1, 1, 8, 8))
    assert found[0, 0].tolist() == [[9, 9, 9, 6]] * 3 + [[6, 6, 6, 4]]


def test_blocks_are_22_and_the_first_of_a_stage_changes_the_shape():
    found = list(shapes())
    assert len(found) == 22
    assert [one.stride for one in found if one.stride != 1] == [2, 2, 2]
    assert [found[i].size for i in (0, 2, 6, 10, 16)] == [190, 190, 95, 48, 24]
