"""Feature pyramids: parameter counts, layer names, shapes, frozen statistics."""

import pytest
import torch

from tests.helpers.networks import weight_count
from uad_methods.parts.features.pyramid import MEAN, SD, Pyramid, check_stages, settle_statistics
from uad_methods.parts.features.wide_resnet50 import WideResNet50


def test_counts_of_weights(meta):
    assert weight_count(WideResNet50()) == 24_862_528
    assert weight_count(Pyramid("resnet18", (2, 3))) == 2_782_784
    assert weight_count(Pyramid("resnet18", (1, 2))) == 683_072


def test_layers_have_the_names_of_weight_files(meta):
    names = set(WideResNet50().state_dict())
    assert {"conv1.weight", "layer1.0.downsample.0.weight", "layer3.5.bn3.running_var"} <= names
    assert tuple(WideResNet50().state_dict()["layer2.0.conv2.weight"].shape) == (256, 256, 3, 3)


@pytest.mark.parametrize(
    ("backbone", "stages", "channels", "strides"),
    [
        ("wide_resnet50", (2, 3), [512, 1024], [8, 16]),
        ("resnet18", (1, 2), [64, 128], [4, 8]),
        ("efficientnet_b4", (1, 2, 3, 4), [24, 32, 56, 160], [2, 4, 8, 16]),
        ("efficientnet_b4", (2, 3), [32, 56], [4, 8]),
    ],
)
def test_maps_of_every_modality(backbone, stages, channels, strides, meta):
    pyramid = Pyramid(backbone, stages)
    assert (pyramid.channels, pyramid.strides) == (channels, strides)
    shapes = [tuple(one.shape) for one in pyramid(torch.zeros(3, 2, 64, 64))]
    assert shapes == [(6, c, 64 // s, 64 // s) for c, s in zip(channels, strides, strict=True)]


def test_statistics_change_only_while_it_learns():
    pyramid, images = Pyramid("resnet18", (1, 2), 4), torch.rand(4, 1, 32, 32)
    before = {key: value.clone() for key, value in pyramid.state_dict().items()}
    pyramid.train()
    pyramid(images)
    assert all(torch.equal(value, before[key]) for key, value in pyramid.state_dict().items())
    settle_statistics(pyramid, images)
    first = pyramid.resnet.bn1
    assert not torch.equal(first.running_mean, before["resnet.bn1.running_mean"])
    inner = pyramid.resnet.conv1((images.expand(-1, 3, -1, -1) - pyramid.mean) / pyramid.sd)
    torch.testing.assert_close(first.running_mean, inner.mean(dim=(0, 2, 3)))
    assert not any(module.training for module in pyramid.modules())


def test_colours_are_normalised_by_the_published_numbers_of_imagenet():
    assert (*MEAN, *SD) == (0.485, 0.456, 0.406, 0.229, 0.224, 0.225)
    pyramid, seen = Pyramid("resnet18", (1,), 4), []
    pyramid.resnet.taps = lambda images: seen.append(images) or {1: images}
    pyramid(torch.full((1, 1, 2, 2), 0.5))
    expected = [(0.5 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.5 - 0.406) / 0.225]
    assert seen[0][0, :, 0, 0].tolist() == pytest.approx(expected)


def test_stages_rise_from_one():
    assert check_stages((1, 3), 3)
    assert not any(check_stages(stages, 3) for stages in ((), (0, 1), (2, 2), (3, 2), (3, 4)))
