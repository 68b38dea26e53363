"""How unlike two pictures look, as a map: LPIPS with weights of the user's, SSIM without any."""

from pathlib import Path
from typing import Literal

import torch
from torch import nn

from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.images.ssim import ssim_map
from uad_methods.parts.networks.lpips import LPIPS
from uad_methods.parts.weights import load_into

BLUR = 2.0  # pixels, deviation of the Gaussian over the map
Kind = Literal["lpips", "ssim", "none"]


class Dissimilarity(nn.Module):
    """LPIPS, or (1 - SSIM) / 2, or 1 everywhere, each modality on its own. Nothing in it learns."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self.lpips = LPIPS() if kind == "lpips" else None

    def load_weights(self, trunk: str, heads: str, digests: tuple[str, str]) -> tuple[str, ...]:
        """The weights of LPIPS from two files; the files' SHA-256. Raises as `load_into`; without LPIPS nothing."""
        if self.lpips is None:
            return ()
        return (
            load_into(self.lpips.trunk, Path(trunk), digests[0]),
            load_into(self.lpips.heads, Path(heads), digests[1]),
        )

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Pictures (n, C, X, Y) in [0, 1] -> maps of that shape, float32, at least 0."""
        if self.kind == "none":
            return torch.ones_like(a)
        if self.lpips is None:
            return gaussian_blur(((1 - ssim_map(a, b)) / 2).clamp(min=0), BLUR)
        first, second = (pictures.flatten(0, 1)[:, None] for pictures in (a, b))
        return gaussian_blur(self.lpips(first, second), BLUR).view_as(a)
