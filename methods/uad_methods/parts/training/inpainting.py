"""Random masks and losses of inpainting on healthy slices."""

import numpy as np
import torch

from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.networks.aot import resize_bilinear

ELLIPSES = 10  # per slice
AXES = (2.0, 4.0)  # mean and standard deviation of half-axes, pixels; lower values are set to the mean
LABEL_SIGMA, LABEL_RADIUS = 10.0, 35  # of the Gaussian that smooths the critic's labels, pixels


def ellipses(count: int, side: int, rng: np.random.Generator) -> torch.Tensor:
    """Masks (n, 1, side, side), float32 0 or 1: filled ellipses in the middle half, at random angles.

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
    """Input of the generator (n, C + 1, X, Y): images, white inside the mask (n, 1, X, Y), and the mask."""
    return torch.cat([images * (1 - mask) + mask, mask], dim=1)


def composite(images: torch.Tensor, output: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The generator's output inside the mask, the images elsewhere."""
    return torch.where(mask > 0, output.float(), images)


def critic_loss(real: torch.Tensor, fake: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean squared distance of the critic's outputs from 1 (real) and from 1 - blurred mask (inpainted): a scalar.

    Outputs (n, 1, x, y) are upsampled to the mask (n, 1, X, Y).
    """
    size = (mask.shape[-2], mask.shape[-1])
    real_full, fake_full = resize_bilinear(real.float(), size), resize_bilinear(fake.float(), size)
    soft = 1 - gaussian_blur(mask, LABEL_SIGMA, LABEL_RADIUS)
    return ((real_full - 1) ** 2).mean() + ((fake_full - soft) ** 2).mean()


def adversarial_loss(fake: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Loss of the generator: mean squared distance of the critic's outputs from 1 inside the mask, a scalar."""
    size = (mask.shape[-2], mask.shape[-1])
    return ((resize_bilinear(fake.float(), size) - 1) ** 2 * mask).mean() / mask.mean()


def gradient_loss(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of the image gradients along X and along Y of images (n, C, X, Y): a scalar."""
    difference = a.float() - b.float()
    along_x, along_y = difference.diff(dim=2).abs().mean(), difference.diff(dim=3).abs().mean()
    return along_x + along_y
