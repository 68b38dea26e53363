"""Synthetic anomalies after DISYRE v2 (Naval Marimont et al. 2024): foreign texture and shifted intensity in a shape.

The strength of an anomaly is known. Everything is drawn and computed for whole batches on the device.
"""

from dataclasses import dataclass
from typing import Literal

import torch

from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.training.synthetic.shapes import INSIDE, REFERENCE, places, random_shapes
from uad_methods.parts.training.synthetic.tissues import tissues

Matching = Literal["mean", "minmax"]
SPARED = 1000  # pixels of a patch of 128 pixels: the larger, the more often a small tissue is spared


@dataclass(frozen=True)
class Corrupted:
    """Patches with anomalies: image (n, C, S, S); shape (n, S, S) in [0, 1]; strength (n,) in [0, 1]."""

    image: torch.Tensor
    shape: torch.Tensor
    strength: torch.Tensor


@dataclass(frozen=True)
class Anomalies:
    """Generator of anomalies.

    matching: of the foreign texture's intensities to those that it replaces, see `matched`.
    centres: centroids (C, k) of the tissues' intensities, on the device.
    """

    matching: Matching
    centres: torch.Tensor

    def corrupt(
        self,
        clean: torch.Tensor,
        brain: torch.Tensor,
        foreign: torch.Tensor,
        foreign_brain: torch.Tensor,
        rng: torch.Generator,
    ) -> Corrupted:
        """An anomaly in every patch: clean (n, C, S, S) in [0, 1], brain (n, S, S), and as many patches of others.

        Texture is blended with weight a, uniform in [0, 1]; then the intensity of some tissues is shifted by up to b,
        uniform in [0, 1], up or down. The strength is the larger of a and the largest shift after clipping.
        """
        n, channels, side = clean.shape[:3]
        centres, others = (places(mask, side // 4, rng) for mask in (brain, foreign_brain))
        shape = random_shapes(centres, brain, rng)
        draw = torch.rand((n, 2 * channels + 1), generator=rng, device=rng.device)
        texture = matched(moved(foreign, centres - others), clean, shape, self.matching)
        image, blended = blend(clean, texture, shape, draw[:, 0])
        region = chosen_tissues(tissues(clean, self.centres), shape, self.centres.shape[1], rng)
        sign = 1 - 2 * (draw[:, 1 : channels + 1] < 0.5).float()
        image, shifted = shift(image, region, shape, sign * draw[:, channels + 1 :])
        return Corrupted(image, shape, torch.maximum(blended, shifted))


def moved(images: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """Images (n, C, S, S) moved by whole pixels (n, 2); pixels from beyond an edge are those of the edge."""
    n, channels, x, y = images.shape
    rows = (torch.arange(x, device=images.device) - by[:, :1]).clamp(0, x - 1)
    columns = (torch.arange(y, device=images.device) - by[:, 1:]).clamp(0, y - 1)
    along_x = images.gather(2, rows[:, None, :, None].expand(n, channels, x, y))
    return along_x.gather(3, columns[:, None, None, :].expand(n, channels, x, y))


def matched(
    foreign: torch.Tensor, clean: torch.Tensor, shape: torch.Tensor, matching: Matching
) -> torch.Tensor:
    """Foreign patches (n, C, S, S) with intensities as those of `clean` inside `shape`, clipped to [0, 1].

    "mean": moved to the same mean. "minmax": scaled to the same smallest and largest value.
    """
    inside = (shape > INSIDE)[:, None]
    if matching == "mean":
        size = inside.sum(dim=(2, 3), keepdim=True).clamp(min=1)
        means = [(image * inside).sum(dim=(2, 3), keepdim=True) / size for image in (foreign, clean)]
        return (foreign - means[0] + means[1]).clamp(0, 1)
    (low, high), (new_low, new_high) = (_extremes(image, inside) for image in (foreign, clean))
    return ((foreign - low) / (high - low).clamp(min=1e-6) * (new_high - new_low) + new_low).clamp(0, 1)


def _extremes(images: torch.Tensor, inside: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Smallest and largest value inside a region, (n, C, 1, 1); of values in [0, 1], 1 and 0 for an empty one."""
    low = torch.where(inside, images, 1.0).amin(dim=(2, 3), keepdim=True)
    return low, torch.where(inside, images, 0.0).amax(dim=(2, 3), keepdim=True)


def blend(
    clean: torch.Tensor, texture: torch.Tensor, shape: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """x (1 - s a) + f s a for weights a (n,), and the strength: a, or 0 where nothing changed."""
    share = shape[:, None] * weight[:, None, None, None]
    image = clean * (1 - share) + texture * share
    changed = (image - clean).abs().amax(dim=(1, 2, 3)) > 0
    return image, weight * changed


def chosen_tissues(
    labels: torch.Tensor, shape: torch.Tensor, count: int, rng: torch.Generator
) -> torch.Tensor:
    """Float (n, C, S, S): 1 in pixels of the tissues whose intensity changes, `labels` being those of the pixels.

    A tissue is chosen with probability p / (q + 1000), p of its pixels and q of all pixels being inside the shape; all
    are where none is.
    """
    inside = (shape > INSIDE)[:, None, None]
    classes = torch.arange(count, device=labels.device)
    members = labels[:, :, None] == classes[:, None, None]  # (n, C, k, S, S)
    pixels = (members & inside).sum(dim=(3, 4))
    spared = SPARED * (shape.shape[1] / REFERENCE) ** 2
    chance = pixels / (pixels.sum(dim=2, keepdim=True) + spared)
    chosen = torch.rand(pixels.shape, generator=rng, device=rng.device) < chance
    chosen = chosen | ~chosen.any(dim=2, keepdim=True)
    return (members & chosen[..., None, None]).any(dim=2).float()


def shift(
    image: torch.Tensor, region: torch.Tensor, shape: torch.Tensor, size: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """clip(x + b r, 0, 1), r the smoothed region times the shape, b `size` (n, C); and the largest change (n,)."""
    soft = gaussian_blur(region, image.shape[2] / REFERENCE) * shape[:, None]
    shifted = (image + size[..., None, None] * soft).clamp(0, 1)
    return shifted, (shifted - image).abs().amax(dim=(1, 2, 3))
