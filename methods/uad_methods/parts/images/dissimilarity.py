"""Perceptual difference maps of two images: LPIPS, whose weights the user provides, or SSIM."""

from pathlib import Path
from typing import Literal

import torch
from torch import nn

from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.images.ssim import ssim_map
from uad_methods.parts.networks.lpips import LPIPS
from uad_methods.parts.weights import load_into

BLUR = 2.0  # pixels, standard deviation of the Gaussian that smooths the map
Kind = Literal["lpips", "ssim", "none"]


class Dissimilarity(nn.Module):
    """LPIPS, (1 - SSIM) / 2, or 1 everywhere, per modality; no part of it is trained."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self.lpips = LPIPS() if kind == "lpips" else None

    def load_weights(self, trunk: str, heads: str, digests: tuple[str, str]) -> tuple[str, ...]:
        """Read the weights of LPIPS from two files; their SHA-256, or () without LPIPS. Raises as `load_into`."""
        if self.lpips is None:
            return ()
        return (
            load_into(self.lpips.trunk, Path(trunk), digests[0]),
            load_into(self.lpips.heads, Path(heads), digests[1]),
        )

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Difference maps of images (n, C, X, Y) in [0, 1]: same shape, float32, at least 0, equal images 0."""
        if self.kind == "none":
            return torch.ones_like(a)
        if self.lpips is None:
            return gaussian_blur(((1 - ssim_map(a, b)) / 2).clamp(min=0), BLUR)
        first, second = (images.flatten(0, 1)[:, None] for images in (a, b))
        return gaussian_blur(self.lpips(first, second), BLUR).view_as(a)
