"""Ranges of the random affine augmentation."""

import numpy as np
import torch

from uad_methods.parts.training.augment import random_affine


def test_rotation_scale_shift_and_flip_have_their_ranges():
    images, still = torch.rand(2, 1, 32, 32), {"angle": 0.0, "shift": 0.0, "scale": 0.0, "flip": 0.0}
    rng = torch.Generator().manual_seed(0)
    torch.testing.assert_close(random_affine(images, rng, **still), images)
    mirrored = random_affine(images, rng, **{**still, "flip": 1.0})
    torch.testing.assert_close(mirrored, images.flip(2), atol=1e-5, rtol=0)
    spot = torch.zeros(200, 1, 33, 33)
    spot[:, :, 16, 26] = 1
    x, y = np.indices((33, 33)) - 16

    def places(**parts):
        found = random_affine(spot, rng, **{**still, **parts})[:, 0].double().numpy()
        return np.array([((x * p).sum() / p.sum(), (y * p).sum() / p.sum()) for p in found])

    turned, sized, moved = places(angle=10.0), places(scale=0.1), places(shift=0.1)
    angles = np.degrees(np.arctan2(turned[:, 0], turned[:, 1]))
    assert 8 < angles.max() < 10.5 and -10.5 < angles.min() < -8
    lengths = np.hypot(*sized.T)
    assert 8.8 < lengths.min() < 9.4 and 10.6 < lengths.max() < 11.2
    reach = np.abs(moved - [0, 10])
    assert (reach < 3.8).all() and (reach.max(axis=0) > 2.8).all()
