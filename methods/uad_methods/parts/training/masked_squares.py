"""Self-supervision without labels or augmentation: fill in squares that were hidden (Pathak et al. 2016).

A network that shall guess a hidden square from around it has to know what tissue borders on what, and where;
nothing but healthy slices is needed. Images (n, 1, side, side) in [0, 1].
"""

import torch
from torch import nn
from torch.nn import functional

HIDDEN_SHARE = 0.5  # of the squares that are hidden
SQUARE = 8  # pixels a side: one position of the deepest features that are used here


class SquareDecoder(nn.Module):
    """Features (n, channels, side / 4, side / 4) -> the image (n, 1, side, side): a 1×1 convolution.

    So weak a decoder leaves the work to the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 16, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return functional.pixel_shuffle(self.conv(features), 4)


def hide_squares(images: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """The images with half of their squares at mid-grey, and which pixels those are (bool, same shape)."""
    cells = (len(images), 1, -(-images.shape[-2] // SQUARE), -(-images.shape[-1] // SQUARE))
    hidden = torch.rand(cells, generator=rng, device=images.device) < HIDDEN_SHARE
    pixels = hidden.repeat_interleave(SQUARE, -2).repeat_interleave(SQUARE, -1)
    pixels = pixels[..., : images.shape[-2], : images.shape[-1]]
    return torch.where(pixels, 0.5, images), pixels


def fill_loss(guess: torch.Tensor, images: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Mean |guess - image| over the hidden pixels: a scalar, in float32."""
    return ((guess.float() - images).abs() * hidden).sum() / hidden.sum().clamp(min=1)
