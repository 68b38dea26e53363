"""U-Net of RIAD: weights, shapes, receptive field."""

import pytest
import torch

from uad_methods.parts.inpainting.strided_unet import StridedUNet

WIDTHS = (64, 128, 256, 512, 512)


@pytest.mark.parametrize(
    ("inputs", "outputs", "weights"), [(1, 1, 28_803_393), (3, 3, 28_805_699), (2, 1, 28_803_969)]
)
def test_the_number_of_weights_is_the_published_one(inputs, outputs, weights):
    with torch.device("meta"):
        net = StridedUNet(inputs, outputs, WIDTHS)
    assert sum(weight.numel() for weight in net.parameters()) == weights


def test_outputs_have_the_size_of_the_input_and_are_within_one():
    torch.manual_seed(0)
    net = StridedUNet(3, 2, (4, 8, 16)).eval()
    found = net(10 * torch.randn(2, 3, 20, 28))
    assert found.shape == (2, 2, 20, 28) and found.abs().max() <= 1


def test_the_lowest_level_sees_a_sixteenth_of_the_side():
    net, seen = StridedUNet(1, 1, (2, 2, 2, 2, 2)), []
    net.down[-1].register_forward_hook(lambda module, given, found: seen.append(found.shape))
    net(torch.zeros(2, 1, 64, 32))
    assert seen == [(2, 2, 4, 2)]


def test_one_level_is_a_plain_stack():
    assert StridedUNet(1, 1, (4,))(torch.zeros(1, 1, 7, 9)).shape == (1, 1, 7, 9)
