"""The shared network against the counts of the card, and the AE against the numbers of its definition."""

import pytest
import torch

from tests.helpers.networks import weight_count
from uad_bench import Context
from uad_bench.testing import toy_scans
from uad_methods.ae import AE
from uad_methods.parts.networks.autoencoder import Autoencoder, levels, plan


@pytest.mark.parametrize(("side", "millions"), [(128, 1.63), (96, 1.52)])
def test_the_network_has_as_many_weights_as_published(side, millions):
    net = Autoencoder(1, (side, side), 0.0, gaussian=False)
    assert round(weight_count(net) / 1e6, 2) == millions


@pytest.mark.parametrize(
    ("shape", "count"), [((96, 96), 3), ((128, 128), 4), ((192, 192), 4), ((80, 96), 3), ((9, 40), 1)]
)
def test_levels_follow_the_shorter_side(shape, count):
    assert levels(shape) == count


@pytest.mark.parametrize("shape", [(80, 96), (33, 50), (9, 12)])
def test_any_slice_comes_back_in_its_own_size(shape):
    net = Autoencoder(2, shape, 0.0, gaussian=False)
    assert net(torch.rand(3, 2, *shape)).image.shape == (3, 2, *shape)


def test_training_lowers_the_residual_of_healthy_scans():
    train, val = toy_scans(6), toy_scans(2, prefix="val")
    residuals = []
    for steps in (1, 30):
        method = AE(steps=steps, batch=8, lr=3e-3)
        method.fit(train, val, Context())
        residuals.append(method.score(val[0], Context()).mean())
    assert residuals[1] < 0.7 * residuals[0]


def test_the_map_is_zero_outside_the_brain():
    method = AE(**AE.tiny)
    train = toy_scans(2)
    method.fit(train, train, Context())
    assert (method.score(train[0], Context())[~train[0].brain_mask] == 0).all()


@pytest.mark.parametrize("shape", [(33, 50), (9, 12)])
def test_a_slice_is_padded_to_whole_levels_and_nothing_else_changes(shape):
    """The same weights on the padded slice give the same, cut back."""
    net = Autoencoder(1, shape, 0.0, gaussian=False).eval()
    full = plan(shape).full
    whole = Autoencoder(1, full, 0.0, gaussian=False).eval()
    whole.load_state_dict(net.state_dict())
    images = torch.rand(2, 1, *shape)
    padded = torch.nn.functional.pad(images, (0, full[1] - shape[1], 0, full[0] - shape[0]))
    with torch.no_grad():
        assert full != shape
        torch.testing.assert_close(net(images).image, whole(padded).image[..., : shape[0], : shape[1]])


def test_the_loss_is_the_sum_over_a_slice_and_the_mean_over_slices_as_in_float64():
    method = AE()
    method.channels_, method.shape_ = 2, (16, 24, 4)
    method.net_ = method.build().eval()
    images = torch.rand(5, 2, 16, 24)
    with torch.no_grad():
        found = float(method.loss(images, Context()))
        method.net_.double()
        wanted = (images.double() - method.net_(images.double()).image).abs().sum() / 5
    assert found == pytest.approx(float(wanted), rel=1e-5)
