"""A pyramid of features is trained to fill in hidden squares of healthy slices, and then frozen."""

from uad_bench import Context, SliceStack
from uad_methods.parts.features.pyramid import Pyramid, on_finest
from uad_methods.parts.training.masked_squares import SquareDecoder, learn_to_fill


def train_by_filling(pyramid: Pyramid, stack: SliceStack, ctx: Context, sizes: tuple[int, int, int]) -> None:
    """Train as `learn_to_fill`. A 1x1 convolution predicts the squares from all maps, resized to the finest one."""
    filler = SquareDecoder(sum(pyramid.channels), pyramid.strides[0]).to(ctx.device)
    pyramid.learning = True
    pyramid.train()
    learn_to_fill(
        lambda masked: filler(on_finest(pyramid(masked))), stack, ctx, sizes, pyramid=pyramid, filler=filler
    )
    pyramid.learning = False
    pyramid.eval()
