"""ResNet-50 against MONAI's, stochastic depth, and the masked form with all cells visible."""

import pytest
import torch

from uad_methods.parts.networks.resnet50 import Bottleneck, ResNet50
from uad_methods.parts.training.masked_pretraining import HierarchicalDecoder


def small(channels=1):
    torch.manual_seed(0)
    return ResNet50(channels, 8, 4, (1, 2, 1, 1), drop=0.0), HierarchicalDecoder(channels, 4)


def test_output_equals_monai_with_the_same_weights():
    nets = pytest.importorskip("monai.networks.nets")
    options = {"conv1_t_size": 7, "conv1_t_stride": 2, "bias_downsample": False}
    theirs = nets.resnet50(spatial_dims=2, n_input_channels=1, num_classes=512, **options).eval()
    mine, images = ResNet50(1).eval(), torch.rand(2, 1, 96, 80)
    mine.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(mine(images), theirs(images), atol=1e-5, rtol=1e-4)


def test_stochastic_depth_has_its_probability_and_preserves_the_mean():
    torch.manual_seed(0)
    rates = [m.drop for m in ResNet50(1, 8, 4).modules() if isinstance(m, Bottleneck)]
    assert len(rates) == 16 and rates[0] == 0 and rates[-1] == pytest.approx(0.05)
    inner = Bottleneck(4, 1, 1, 0.25)._drop_path(torch.ones(20_000, 1, 1, 1))
    assert float((inner == 0).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert float(inner.mean()) == pytest.approx(1, abs=0.02)


def test_with_all_cells_visible_it_is_the_plain_network():
    images = torch.rand(3, 1, 64, 96)
    found = []
    for keep in (None, torch.ones(3, 1, 2, 3)):
        encoder, _ = small()
        found.append((encoder.train().stages(images, keep), encoder.state_dict()))
    for maps, masked in zip(found[0][0], found[1][0], strict=True):
        torch.testing.assert_close(maps, masked, atol=1e-4, rtol=1e-4)
    for name, value in found[0][1].items():
        torch.testing.assert_close(found[1][1][name], value)
