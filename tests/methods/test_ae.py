"""AE: loss against float64, training, and the background of the map."""

import pytest
import torch

from uad_bench import Context
from uad_bench.testing import toy_scans
from uad_methods.ae import AE


def test_training_lowers_the_residual_of_healthy_scans():
    train, val = toy_scans(6), toy_scans(2, prefix="val")
    residuals = []
    for steps in (1, 60):
        method = AE(steps=steps, batch=8, lr=3e-3)
        method.fit(train, val, Context())
        residuals.append(method.score(val[0], Context()).mean())
    assert residuals[1] < 0.7 * residuals[0]


def test_the_map_is_zero_outside_the_brain():
    method = AE(**AE.tiny)
    train = toy_scans(2)
    method.fit(train, train, Context())
    assert (method.score(train[0], Context())[~train[0].brain_mask] == 0).all()


def test_loss_is_summed_over_a_slice_and_averaged_over_slices_as_in_float64():
    method = AE()
    method.channels_, method.shape_ = 2, (16, 24, 4)
    method.net_ = method.build().eval()
    images = torch.rand(5, 2, 16, 24)
    with torch.no_grad():
        found = float(method.loss(images, Context()))
        method.net_.double()
        wanted = (images.double() - method.net_(images.double()).image).abs().sum() / 5
    assert found == pytest.approx(float(wanted), rel=1e-5)
