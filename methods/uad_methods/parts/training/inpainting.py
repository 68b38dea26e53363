"""Learning to fill holes in healthy slices: where the holes are, and what a filling costs."""

import numpy as np
import torch

from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.networks.aot import resize_bilinear

ELLIPSES = 10  # a slice
AXES = (2.0, 4.0)  # pixels, mean and deviation of half-axes; at least the mean
SOFT, SOFT_REACH = 10.0, 35  # pixels, deviation and reach of the blur of the critic's labels


def ellipses(count: int, side: int, rng: np.random.Generator) -> torch.Tensor:
    """Masks (n, 1, side, side), float32 0 or 1: filled ellipses in the middle half, at any angle.

    Centres are uniform from side / 4 to 3 side / 4 along both axes, half-axes |N(2, 4)| pixels, at least 2.
    """
    shape = (count, ELLIPSES, 1, 1)
    centre = rng.integers(side // 4, 3 * side // 4, (2, *shape))
    axis = np.maximum(np.abs(rng.normal(*AXES, (2, *shape))), AXES[0])
    angle = rng.uniform(0, 2 * np.pi, shape)
    dx, dy = np.arange(side)[:, None] - centre[0], np.arange(side) - centre[1]
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    inside = (along / axis[0]) ** 2 + (across / axis[1]) ** 2 <= 1
    return torch.from_numpy(inside.any(axis=1, keepdims=True)).float()


def masked_input(images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What the generator sees: pictures (n, C, X, Y), white in the mask (n, 1, X, Y), and the mask, together."""
    return torch.cat([images * (1 - mask) + mask, mask], dim=1)


def composite(images: torch.Tensor, guess: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The guess in the mask, the pictures elsewhere, exactly."""
    return torch.where(mask > 0, guess.float(), images)


def critic_loss(real: torch.Tensor, fake: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Squared distances from 1 of answers to whole pictures, from 1 - blurred mask of those to filled ones.

    Answers (n, 1, x, y) are enlarged to the mask (n, 1, X, Y). A scalar.
    """
    size = (mask.shape[-2], mask.shape[-1])
    real_full, fake_full = resize_bilinear(real.float(), size), resize_bilinear(fake.float(), size)
    soft = 1 - gaussian_blur(mask, SOFT, SOFT_REACH)
    return ((real_full - 1) ** 2).mean() + ((fake_full - soft) ** 2).mean()


def adversarial_loss(fake: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The generator's: squared distance from 1 of the answers to filled pictures, inside the mask. A scalar."""
    size = (mask.shape[-2], mask.shape[-1])
    return ((resize_bilinear(fake.float(), size) - 1) ** 2 * mask).mean() / mask.mean()


def gradient_loss(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The mean absolute difference of the slopes along X and along Y of (n, C, X, Y): a scalar."""
    difference = a.float() - b.float()
    along_x, along_y = difference.diff(dim=2).abs().mean(), difference.diff(dim=3).abs().mean()
    return along_x + along_y
