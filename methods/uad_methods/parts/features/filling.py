"""A pyramid of features is trained to fill in hidden squares of healthy slices, and then frozen."""

import torch
from torch.nn import functional

from uad_bench import Context, SliceStack
from uad_methods.parts.features.pyramid import Pyramid
from uad_methods.parts.images.square import to_square
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.masked_squares import SquareDecoder, fill_loss, hide_squares

LEARNING_RATE = 1e-3


def train_by_filling(pyramid: Pyramid, stack: SliceStack, ctx: Context, sizes: tuple[int, int, int]) -> None:
    """Train with Adam 1e-3 on batches of the stack, every modality as an image of its own.

    sizes: side of the square slices, batch, steps. A 1x1 convolution predicts the squares from all maps, resized to the
    finest one.
    """
    side, batch, steps = sizes
    filler = SquareDecoder(sum(pyramid.channels), pyramid.strides[0]).to(ctx.device)
    pyramid.learning = True
    pyramid.train()
    opt = torch.optim.Adam([*pyramid.parameters(), *filler.parameters()], LEARNING_RATE)
    for step in ctx.steps(steps, name="extractor", pyramid=pyramid, filler=filler, opt=opt):
        images = to_square(stack.batch(step, batch).image, side).flatten(0, 1)[:, None]
        masked, hidden = hide_squares(images, ctx.torch_rng("hidden", step))
        with ctx.autocast():
            prediction = filler(_together(pyramid(masked)))
        loss = fill_loss(prediction, images, hidden)
        ctx.log(loss=loss)
        descend(opt, loss)
    pyramid.learning = False
    pyramid.eval()


def _together(maps: list[torch.Tensor]) -> torch.Tensor:
    size = (maps[0].shape[-2], maps[0].shape[-1])
    resized = [functional.interpolate(one, size, mode="bilinear", align_corners=False) for one in maps[1:]]
    return torch.cat([maps[0], *resized], dim=1)
