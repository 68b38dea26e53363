"""Self-supervision by inpainting of masked squares (Pathak et al. 2016), from healthy slices alone.

Images are (n, 1, side, side) in [0, 1].
"""

import torch
from torch import nn
from torch.nn import functional

HIDDEN_SHARE = 0.5  # fraction of masked squares
SQUARE = 8  # side in pixels: one pixel of the deepest feature map that FAE uses


class SquareDecoder(nn.Module):
    """Features (n, channels, side / stride, side / stride) -> image (n, 1, side, side) by one 1x1 convolution.

    The decoder is weak on purpose: the features have to represent the image.
    """

    def __init__(self, channels: int, stride: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, stride**2, 1)
        self.stride = stride

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return functional.pixel_shuffle(self.conv(features), self.stride)


def hide_squares(images: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Images with half of their squares replaced by 0.5, and the mask of these pixels (bool, same shape)."""
    cells = (len(images), 1, -(-images.shape[-2] // SQUARE), -(-images.shape[-1] // SQUARE))
    hidden = torch.rand(cells, generator=rng, device=images.device) < HIDDEN_SHARE
    pixels = hidden.repeat_interleave(SQUARE, -2).repeat_interleave(SQUARE, -1)
    pixels = pixels[..., : images.shape[-2], : images.shape[-1]]
    return torch.where(pixels, 0.5, images), pixels


def fill_loss(prediction: torch.Tensor, images: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Mean absolute error over the masked pixels: a scalar, in float32."""
    return ((prediction.float() - images).abs() * hidden).sum() / hidden.sum().clamp(min=1)
