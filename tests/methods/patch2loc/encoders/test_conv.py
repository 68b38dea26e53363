"""Convolutional encoder: receptive field, plan, strided against dense passes."""

from itertools import product

import pytest
import torch

from tests.helpers.patch2loc import locator
from uad_bench.errors import UsageError
from uad_methods.patch2loc.encoders.conv import ConvEncoder, plan
from uad_methods.patch2loc.patches import padded


@pytest.mark.parametrize("patch", [8, 10, 12, 24, 28, 32, 48])
def test_the_receptive_field_is_exactly_one_patch(patch: int) -> None:
    encoder = ConvEncoder(1, patch, 4).eval().double()
    for layer in encoder.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.ones_(layer.weight)  # so that no terms cancel and ReLU stays active

    def latent(image: torch.Tensor) -> torch.Tensor:
        return encoder(image, dense=True)[0, :, 20, 30]

    image = torch.rand(1, 1, 90, 90, dtype=torch.float64)
    elsewhere = torch.rand_like(image) * 100
    inside = (..., slice(20, 20 + patch), slice(30, 30 + patch))
    elsewhere[inside] = image[inside]
    assert torch.equal(latent(elsewhere), latent(image))
    for dx, dy in product((0, patch - 1), repeat=2):
        corner = image.clone()
        corner[0, 0, 20 + dx, 30 + dy] += 1e6
        assert not torch.equal(latent(corner), latent(image)), "blind to a corner of its patch"


def test_the_plan_covers_the_patch_and_refuses_too_small_ones() -> None:
    assert plan(24) == (2, 2)
    assert plan(24).jump == 4
    with pytest.raises(UsageError, match="3 pixels"):
        plan(3)


def test_a_strided_pass_is_the_dense_one_at_every_fourth_pixel() -> None:
    encoder = locator(network="conv", patch=24, width=8).encoder
    slices = padded(torch.rand(1, 1, 30, 26), 24)
    with torch.no_grad():
        dense, strided = encoder(slices, dense=True), encoder(slices[:, :, 1:, 3:])
    torch.testing.assert_close(strided, dense[:, :, 1::4, 3::4], atol=1e-5, rtol=0)
