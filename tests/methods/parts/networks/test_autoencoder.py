"""Encoder and decoder of AE and VAE: weight counts, padding, sampling of the code."""

import pytest
import torch

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.autoencoder import Autoencoder, levels, plan

SHAPE = (16, 24)


@pytest.mark.parametrize(
    ("gaussian", "side", "millions"),
    [(False, 128, 1.63), (False, 96, 1.52), (True, 128, 1.76), (True, 96, 1.82)],
)
def test_weight_counts_are_as_published(gaussian, side, millions):
    net = Autoencoder(1, (side, side), 0.0, gaussian=gaussian)
    assert round(weight_count(net) / 1e6, 2) == millions


@pytest.mark.parametrize(
    ("shape", "count"), [((96, 96), 3), ((128, 128), 4), ((192, 192), 4), ((80, 96), 3), ((9, 40), 1)]
)
def test_levels_follow_the_shorter_side(shape, count):
    assert levels(shape) == count


@pytest.mark.parametrize("shape", [(80, 96), (33, 50), (9, 12)])
def test_output_has_the_shape_of_the_input(shape):
    net = Autoencoder(2, shape, 0.0, gaussian=False)
    assert net(torch.rand(3, 2, *shape)).image.shape == (3, 2, *shape)


@pytest.mark.parametrize("shape", [(33, 50), (9, 12)])
def test_odd_shapes_equal_the_padded_slice_cropped(shape):
    """The same weights applied to the padded slice give the same output, cropped."""
    net = Autoencoder(1, shape, 0.0, gaussian=False).eval()
    full = plan(shape).full
    whole = Autoencoder(1, full, 0.0, gaussian=False).eval()
    whole.load_state_dict(net.state_dict())
    images = torch.rand(2, 1, *shape)
    padded = torch.nn.functional.pad(images, (0, full[1] - shape[1], 0, full[0] - shape[0]))
    with torch.no_grad():
        assert full != shape
        torch.testing.assert_close(net(images).image, whole(padded).image[..., : shape[0], : shape[1]])


def test_the_sampled_code_has_the_deviation_of_log_sigma():
    net = Autoencoder(1, SHAPE, 0.0, gaussian=True)
    codes = []
    net.expand.register_forward_pre_hook(lambda _, args: codes.append(args[0]))
    images = torch.rand(1, 1, *SHAPE).expand(600, -1, -1, -1)
    with torch.no_grad():
        seen = net(images)
    torch.testing.assert_close(codes[0].std(dim=0), seen.log_sigma[0].exp(), rtol=0.15, atol=0)
