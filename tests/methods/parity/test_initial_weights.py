"""Weights at initialisation against those of the published code: deviations, zeros, ranges."""

import math

import pytest
import torch
from torch import nn

from uad_methods.fanogan import FAnoGAN
from uad_methods.parts.networks.autoencoder import Autoencoder
from uad_methods.parts.networks.diffusion_unet import DiffusionUNet
from uad_methods.parts.networks.resnet50 import Bottleneck, ResNet50
from uad_methods.parts.training.masked_pretraining import HierarchicalDecoder
from uad_methods.patch2loc.encoders.resnet import resnet_encoder


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def deviation(layer):
    return float(layer.weight.detach().std())


def biases(net):
    layers = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    return [m.bias for m in net.modules() if isinstance(m, layers) and m.bias is not None]


def test_every_block_of_cddpm_s_encoder_starts_as_its_shortcut():
    """Parity 4: timm sets the last norm of all 16 blocks to 0; the condition then has a deviation of 0.25."""
    encoder = ResNet50(1)
    blocks = [module for module in encoder.modules() if isinstance(module, Bottleneck)]
    assert len(blocks) == 16 and not any(block.bn3.weight.any() for block in blocks)
    assert all(bool((block.bn1.weight == 1).all()) for block in blocks)
    with torch.no_grad():
        condition = encoder.train()(torch.rand(16, 1, 96, 96))
    assert float(condition.std()) == pytest.approx(0.25, abs=0.02)


def test_convolutions_of_cddpm_s_encoder_follow_he_fan_out():
    encoder = ResNet50(1)
    assert deviation(encoder.conv1) == pytest.approx(math.sqrt(2 / (64 * 49)), rel=0.05)
    conv = encoder.get_submodule("layer3.2.conv2")
    assert deviation(conv) == pytest.approx(math.sqrt(2 / (256 * 9)), rel=0.01)


def test_the_decoder_of_masked_pretraining_starts_with_truncated_normal_weights():
    """Parity 4: mask tokens are cut at one deviation, which leaves 0.0108 of 0.02."""
    decoder = HierarchicalDecoder(1)
    for module in decoder.grow.modules():
        if isinstance(module, nn.ConvTranspose2d):
            fan_out = module.weight.shape[0] * 16
            assert deviation(module) == pytest.approx(math.sqrt(2 / fan_out), rel=0.05)
        elif isinstance(module, nn.Conv2d):
            assert deviation(module) == pytest.approx(0.02, rel=0.05)
    assert all(not bias.any() for bias in biases(decoder.grow) + biases(decoder.out))
    tokens = torch.cat([fill.token.detach().flatten() for fill in decoder.fill])
    assert float(tokens.std()) == pytest.approx(0.0108, rel=0.03) and float(tokens.abs().max()) <= 0.02


def test_networks_of_fanogan_start_as_in_its_framework():
    """Parity 5: input layer 0.0155 (PyTorch's default: 0.051), first generator block 0.021 (0.0085)."""
    method = FAnoGAN()
    method.channels_ = 1
    generator, critic, encoder = method.build().values()
    assert deviation(generator[0]) == pytest.approx(0.0155, rel=0.01)
    first = generator[2]
    assert deviation(first.path[3]) == pytest.approx(0.0208, rel=0.01)
    assert deviation(first.shortcut[2]) == pytest.approx(math.sqrt(2 / 1024), rel=0.01)
    assert deviation(generator[8]) == pytest.approx(math.sqrt(4 / (65 * 9)), rel=0.1)
    for trunk in (critic.features, encoder[0]):
        assert deviation(trunk[0]) == pytest.approx(math.sqrt(2 / (65 * 9)), rel=0.1)
    assert deviation(critic.value) == pytest.approx(math.sqrt(2 / 8193), rel=0.05)
    assert not any(bias.any() for net in (generator, critic, encoder) for bias in biases(net))


def test_batch_statistics_of_fanogan_move_as_in_its_framework():
    """Parity 5: running statistics keep 0.99 of their value; the variance gets 0.001."""
    method = FAnoGAN(**FAnoGAN.tiny)
    method.channels_ = 1
    nets = method.build()
    norms = [module for module in nets.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 17 and {(one.momentum, one.eps) for one in norms} == {(0.01, 1e-3)}


@pytest.mark.parametrize("gaussian", [False, True])
def test_layers_of_the_autoencoders_start_after_glorot(gaussian):
    """Parity 8."""
    net = Autoencoder(1, (128, 128), 0.1, gaussian=gaussian)
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    for layer in layers:
        a, b, *kernel = layer.weight.shape
        bound = math.sqrt(6 / ((a + b) * math.prod(kernel)))
        assert float(layer.weight.detach().abs().max()) <= bound
        if layer.weight.numel() > 2000:
            assert deviation(layer) == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert not any(bias.any() for bias in biases(net))


@pytest.mark.parametrize(("gaussian", "dropped"), [(False, {"code"}), (True, {"code", "expanded"})])
def test_the_autoencoder_drops_the_code_alone(gaussian, dropped):
    """Parity 8: in the published AE the second dropout is inactive, in the VAE it is not."""
    net, found = Autoencoder(1, (32, 32), 0.5, gaussian=gaussian).train(), set()
    net.expand.register_forward_pre_hook(lambda _, given: found.add("code" if (given[0] == 0).any() else ""))
    net.decoder.register_forward_pre_hook(
        lambda _, given: found.add("expanded" if (given[0] == 0).any() else "")
    )
    net(torch.rand(8, 1, 32, 32))
    assert found - {""} == dropped


def test_the_first_convolution_of_patch2loc_keeps_the_framework_s_weights():
    """Parity 8: 0.19 as published; He et al. would give 0.059. All other convolutions follow He et al., fan out."""
    encoder = resnet_encoder(1)
    assert deviation(encoder[0]) == pytest.approx(1 / (3 * math.sqrt(3)), rel=0.05)
    assert deviation(encoder[4].path[0]) == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.02)


def test_the_last_convolution_of_a_denoiser_and_of_each_of_its_blocks_is_zero():
    net = DiffusionUNet(1, (8, 16), 1, groups=4)
    zero = [name for name, module in net.named_modules() if _is_zero_convolution(module)]
    assert "last.2" in zero and len(zero) == 12  # ten blocks, one attention, the output


def _is_zero_convolution(module):
    return isinstance(module, nn.Conv2d) and not module.weight.any() and not module.bias.any()
