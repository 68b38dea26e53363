"""Anomaly score of each pixel from the network's predictions for the patch centred on it."""

from typing import NamedTuple, Protocol

import numpy as np
import torch

from uad_bench.types import BoolArray
from uad_methods.patch2loc.belief import BeliefName, ScoreTerms, score_terms
from uad_methods.patch2loc.locator import Locator
from uad_methods.patch2loc.patches import Positions, Region, cut, locations, padded, positions

Box = tuple[slice, slice]


class Predictor(Protocol):
    """Patches (k, C, side, side), heights (k,) -> mean and spread (k, .): a `Locator`, or a faster form of it."""

    belief: BeliefName

    def __call__(self, patches: torch.Tensor, height: torch.Tensor, /) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""


class Prediction(NamedTuple):
    """Belief about the patch of every pixel: mean (n, X, Y, .) in percent, spread (n, X, Y, .); 0 where not computed.

    See `belief` for the numbers.
    """

    mean: torch.Tensor
    spread: torch.Tensor


def predict_patches(
    net: Predictor,
    images: torch.Tensor,
    height: torch.Tensor,
    where: Region,
    side: int,
    chunk: int = 512,
) -> Prediction:
    """Beliefs about the patches of the pixels `where`, patch by patch, `chunk` at a time.

    The network must be in eval mode.

        images: (n, C, X, Y).
        height: (n,), percent of the volume.
    """
    slices, maps = padded(images, side), list[torch.Tensor]()
    for parts in zip(*(torch.split(axis, chunk) for axis in positions(where)), strict=True):
        at = Positions(*parts)
        prediction = net(cut(slices, at, side), height[at.slice])
        maps = maps or [images.new_zeros(*images[:, 0].shape, numbers.shape[1]) for numbers in prediction]
        for whole, numbers in zip(maps, prediction, strict=True):
            whole[at] = numbers.float()
    return Prediction(*maps)


def predict_dense(
    net: Locator, images: torch.Tensor, height: torch.Tensor, side: int, box: Box | None = None
) -> Prediction:
    """Beliefs about every pixel of `box` in one pass, for encoders that can be applied to whole slices.

    Other arguments as of `predict_patches`.

        box: slices over x and y (default: all); it does not change the predictions.
    """
    x, y = box or (slice(0, images.shape[2]), slice(0, images.shape[3]))
    reach = padded(images, side)[:, :, x.start : x.stop + side - 1, y.start : y.stop + side - 1]
    size = len(images), x.stop - x.start, y.stop - y.start, -1
    maps = []
    for numbers in net(reach, height, dense=True):
        whole = images.new_zeros(*images[:, 0].shape, numbers.shape[1])
        whole[:, x, y] = numbers.float().view(size)
        maps.append(whole)
    return Prediction(*maps)


def score_term_maps(belief: BeliefName, prediction: Prediction, where: Region) -> ScoreTerms:
    """Terms of the anomaly score of the pixels `where`; 0 elsewhere."""
    at, place = positions(where), locations(prediction.mean.movedim(-1, 1))
    terms = score_terms(belief, prediction.mean[at], prediction.spread[at], place[at.x, at.y])
    maps = [prediction.mean.new_zeros(prediction.mean.shape[:3]) for _ in terms]
    for whole, numbers in zip(maps, terms, strict=True):
        whole[at] = numbers
    return ScoreTerms(*maps)


def score_patches(
    net: Predictor,
    images: torch.Tensor,
    height: torch.Tensor,
    where: Region,
    side: int,
    chunk: int = 512,
) -> torch.Tensor:
    """Scores (n, X, Y) of the pixels `where`, 0 elsewhere; arguments as of `predict_patches`."""
    prediction = predict_patches(net, images, height, where, side, chunk)
    return score_term_maps(net.belief, prediction, where).score


def score_dense(
    net: Locator, images: torch.Tensor, height: torch.Tensor, side: int, box: Box | None = None
) -> torch.Tensor:
    """Scores (n, X, Y) of every pixel of `box` in one pass, 0 elsewhere; arguments as of `predict_dense`."""
    where = torch.zeros_like(images[:, 0], dtype=torch.bool)
    where[:, *(box or (slice(None), slice(None)))] = True
    return score_term_maps(net.belief, predict_dense(net, images, height, side, box), where).score


def brain_box(brain_mask: BoolArray) -> Box:
    """Bounding box, over x and y, of the brain mask (X, Y, Z) of a volume."""
    x, y = (np.flatnonzero(brain_mask.any(axis=axes)) for axes in ((1, 2), (0, 2)))
    return slice(int(x[0]), int(x[-1]) + 1), slice(int(y[0]), int(y[-1]) + 1)
