"""Random masks and losses of inpainting."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from uad_methods.parts.training.inpainting import (
    adversarial_loss,
    composite,
    critic_loss,
    ellipses,
    gradient_loss,
    masked_input,
)


def test_ellipses_have_the_documented_centres_and_half_axes():
    masks = ellipses(300, 64, np.random.default_rng(0))
    assert masks.shape == (300, 1, 64, 64) and set(masks.unique().tolist()) == {0.0, 1.0}
    where = masks.mean(dim=(0, 1))
    assert where[24:40, 24:40].min() > 0.1 and where[[0, -1]].max() < 0.01
    assert float(where[16:48, 16:48].sum() / where.sum()) > 0.75
    areas = masks.sum(dim=(1, 2, 3))
    assert areas.min() > 12 * 5 and 250 < areas.mean() < 10 * np.pi * 4.2**2


def test_the_masked_region_is_white_and_only_it_is_replaced():
    x, guess, mask = torch.rand(2, 2, 8, 8), torch.rand(2, 2, 8, 8), torch.zeros(2, 1, 8, 8)
    mask[:, :, 2:5, 3:6] = 1
    inputs = masked_input(x, mask)
    masked = mask.bool().expand(-1, 2, -1, -1)
    assert (
        inputs.shape == (2, 3, 8, 8)
        and (inputs[:, :2][masked] == 1).all()
        and torch.equal(inputs[:, 2:], mask)
    )
    assert torch.equal(inputs[:, :2][~masked], x[~masked])
    whole = composite(x, guess, mask)
    assert torch.equal(whole[masked], guess[masked]) and torch.equal(whole[~masked], x[~masked])


def test_the_critic_has_soft_labels_and_the_generator_ones_inside_the_mask():
    mask = torch.zeros(1, 1, 64, 64)
    mask[:, :, 20:40, 20:40] = 1
    soft = 1 - ndimage.gaussian_filter(mask[0, 0].double().numpy(), 10, mode="reflect", radius=35)
    real, fake = torch.full((1, 1, 6, 6), 0.8), torch.full((1, 1, 6, 6), 0.3)
    expected = 0.2**2 + ((0.3 - soft) ** 2).mean()
    assert float(critic_loss(real, fake, mask)) == pytest.approx(expected, rel=1e-5)
    assert float(adversarial_loss(fake, mask)) == pytest.approx(0.7**2, rel=1e-5)
    outside = torch.zeros(1, 1, 64, 64)
    assert float(adversarial_loss(outside + mask, mask)) == 0  # outputs outside the mask do not count


def test_the_gradient_loss_ignores_constant_offsets():
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    assert float(gradient_loss(ramp, ramp + 5)) == 0 and float(
        gradient_loss(3 * ramp, ramp)
    ) == pytest.approx(2)
