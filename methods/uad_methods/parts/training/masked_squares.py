"""Self-supervision by inpainting of masked squares (Pathak et al. 2016), from healthy slices alone.

Images are (n, 1, side, side) in [0, 1].
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from uad_bench import Context, SliceStack
from uad_methods.parts.images.square import to_square
from uad_methods.parts.training.descent import descend

HIDDEN_SHARE = 0.5  # fraction of masked squares
LEARNING_RATE = 1e-3
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


def learn_to_fill(
    predict: Callable[[torch.Tensor], torch.Tensor],
    stack: SliceStack,
    ctx: Context,
    sizes: tuple[int, int, int],
    **networks: Any,  # nn.Module
) -> None:
    """Train networks with Adam 1e-3 to predict hidden squares of slices, every modality as an image of its own.

    predict: masked images (n, 1, side, side) -> the images, with these networks; sizes: side of the square slices,
    batch, steps. The networks are those of the checkpoints of the loop.
    """
    side, batch, steps = sizes
    opt = torch.optim.Adam(
        [weight for one in networks.values() for weight in one.parameters()], LEARNING_RATE
    )
    for step in ctx.steps(steps, name="extractor", **networks, opt=opt):
        images = to_square(stack.batch(step, batch).image, side).flatten(0, 1)[:, None]
        masked, hidden = hide_squares(images, ctx.torch_rng("hidden", step))
        with ctx.autocast():
            prediction = predict(masked)
        loss = fill_loss(prediction, images, hidden)
        ctx.log(loss=loss)
        descend(opt, loss)
