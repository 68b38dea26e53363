"""Student of reverse distillation: counts, shapes, first weights; loss and map against closed forms."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.helpers.networks import weight_count
from uad_methods.parts.features.distillation import (
    Student,
    cosine,
    direction_loss,
    direction_map,
    doubling,
    stage,
    upsampling,
)
from uad_methods.parts.features.pyramid import Pyramid

WIDE, NARROW = ("wide_resnet50", (256, 512, 1024)), ("resnet18", (64, 128, 256))


def maps(seed=0, n=2, channels=(4, 8, 16), side=16):
    """Maps of three stages, finest first."""
    rng = torch.Generator().manual_seed(seed)
    return [
        torch.randn((n, c, side // 2**i, side // 2**i), generator=rng) + 0.1 for i, c in enumerate(channels)
    ]


@pytest.mark.parametrize(
    ("teacher", "embedding", "decoder"),
    [(WIDE, 67_277_824 - 8_392_704, 24_917_504), (NARROW, 12_205_312 - 525_312, 3_703_168)],
)
def test_counts_are_those_of_the_reference_without_its_unused_convolution(teacher, embedding, decoder, meta):
    student = Student(*teacher)
    assert weight_count(student.decoder) == decoder
    assert weight_count(student) == embedding + decoder


@pytest.mark.parametrize("side", [64, 96, 128, 224])
@pytest.mark.parametrize("backbone", ["wide_resnet50", "resnet18"])
def test_the_student_s_maps_have_the_shapes_of_the_teacher_s_taps(backbone, side, meta):
    pyramid = Pyramid(backbone, (1, 2, 3))
    student, taps = Student(backbone, pyramid.channels), pyramid(torch.zeros(2, 1, side, side))
    assert [one.shape for one in student(taps)] == [one.shape for one in taps]
    deepest = taps[-1].shape
    assert student.embed(taps).shape == (2, 2 * deepest[1], deepest[2] // 2, deepest[3] // 2)


@pytest.mark.parametrize("backbone", ["wide_resnet50", "resnet18"])
def test_a_first_block_doubles_the_size_by_transposed_convolutions_in_both_branches(backbone):
    plain = stage(backbone, 16, 8, 2, 1)
    first, second = upsampling(stage(backbone, 16, 8, 2, 1))
    assert plain(torch.zeros(1, 16, 4, 4)).shape == (1, 8, 4, 4)
    assert first(torch.zeros(1, 16, 4, 4)).shape == (1, 8, 8, 8)
    transposed = [name for name, part in first.named_modules() if isinstance(part, nn.ConvTranspose2d)]
    assert transposed == ["conv2" if backbone == "wide_resnet50" else "conv1", "downsample.0"]
    assert not [part for part in second.modules() if isinstance(part, nn.ConvTranspose2d)]


def test_transposed_convolutions_write_each_pixel_once():
    conv = doubling(nn.Conv2d(2, 3, 3))
    nn.init.ones_(conv.weight)
    assert torch.equal(conv(torch.ones(1, 2, 3, 3)), torch.full((1, 3, 6, 6), 2.0))


def test_first_weights_are_kaiming_by_fan_out_and_the_default_of_transposed_ones():
    torch.manual_seed(0)
    student = Student("resnet18", (32, 64, 128))
    conv, up = student.embedding[1].conv1, student.decoder[0][0].conv1
    assert conv.weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)
    assert up.weight.abs().max().item() <= 1 / (128 * 4) ** 0.5  # default: uniform to 1 / sqrt(fan in)
    norms = [part for part in student.modules() if isinstance(part, nn.BatchNorm2d)]
    assert all((one.weight == 1).all() and (one.bias == 0).all() for one in norms)


@pytest.mark.parametrize("position", [False, True])
def test_equal_maps_have_loss_zero_opposite_ones_six_and_scale_does_not_matter(position):
    teacher, other = maps(), maps(seed=1)
    assert direction_loss(teacher, teacher, position=position).item() == pytest.approx(0, abs=1e-6)
    opposite = direction_loss(teacher, [-one for one in teacher], position=position)
    assert opposite.item() == pytest.approx(6, abs=1e-5)
    scaled = [3.7 * one for one in other]
    losses = [direction_loss(teacher, student, position=position) for student in (other, scaled)]
    torch.testing.assert_close(*losses)


def test_equal_maps_have_map_zero_opposite_ones_six_and_scale_does_not_matter():
    teacher, other = maps(), maps(seed=1)
    equal, opposite = direction_map(teacher, teacher, 32), direction_map(teacher, [-m for m in teacher], 32)
    assert equal.shape == (2, 32, 32) and equal.min() >= 0
    torch.testing.assert_close(equal, torch.zeros_like(equal), rtol=0, atol=2e-6)
    torch.testing.assert_close(opposite, torch.full_like(opposite, 6.0))
    scaled = [0.01 * one for one in other]
    torch.testing.assert_close(direction_map(teacher, other, 32), direction_map(teacher, scaled, 32))


@pytest.mark.parametrize("position", [False, True])
def test_the_loss_equals_numpy(position):
    teacher, student, expected = maps(), maps(seed=1), 0.0
    for one, other in zip(teacher, student, strict=True):
        a, b = (m.double().numpy() for m in (one, other))
        axes = (1,) if position else (1, 2, 3)
        size = np.sqrt((a**2).sum(axes) * (b**2).sum(axes))
        expected += (1 - (a * b).sum(axes) / size).mean()
    assert direction_loss(teacher, student, position=position).item() == pytest.approx(expected, rel=1e-5)


def test_one_orthogonal_position_adds_one_to_the_map_there_and_its_share_to_the_loss():
    teacher = [torch.ones(1, 2, 16 // 2**i, 16 // 2**i) for i in range(3)]
    student = [one.clone() for one in teacher]
    student[0][0, 1, 5, 9] = -1
    found = direction_map(teacher, student, 16)  # of the side of the finest map: it is not resized
    expected = torch.zeros(1, 16, 16)
    expected[0, 5, 9] = 1
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    one_of_all = direction_loss(teacher, student, position=True).item()
    assert one_of_all == pytest.approx(1 / 256, rel=1e-4)
    assert direction_loss(teacher, student).item() == pytest.approx(2 / 512, rel=1e-4)  # cosine 510 / 512


def test_corners_of_a_map_are_kept_when_it_is_resized():
    teacher = [torch.ones(1, 2, 4, 4), torch.ones(1, 2, 2, 2), torch.ones(1, 2, 2, 2)]
    student = [one.clone() for one in teacher]
    student[1][0, :, 0, 0] = -1
    found = direction_map(teacher, student, 9)[0]
    along = torch.linspace(1, 0, 9)
    torch.testing.assert_close(found, 2 * along[:, None] * along, rtol=0, atol=1e-6)


def test_a_vector_of_zeros_has_cosine_zero_and_a_finite_gradient():
    student = torch.zeros(1, 3, 2, 2, requires_grad=True)
    angle = cosine(torch.ones(1, 3, 2, 2), student)
    assert (angle == 0).all()
    angle.sum().backward()
    assert torch.isfinite(student.grad).all()
