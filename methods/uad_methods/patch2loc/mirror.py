"""Left and right exchanged: a second look at the same patch, which a healthy brain answers the same way."""

import torch

from uad_methods.patch2loc.belief import BeliefName
from uad_methods.patch2loc.scoring import Prediction


def mirror_slices(slices: torch.Tensor) -> torch.Tensor:
    """Slices (n, ..., X, Y) with x turned round."""
    return slices.flip(-2)


def mirror_maps(maps: torch.Tensor, side: int) -> torch.Tensor:
    """What belongs to patches, (n, ..., X, Y), moved to where the patches are in mirrored slices, and back again.

    A patch of an even side at x covers rows x - side/2 .. x + side/2 - 1, which turned round are those of the patch at
    X - x, not X - 1 - x. So row 0 has no partner and stays where it is.
    """
    turned = maps.flip(-2)
    return turned if side % 2 else turned.roll(1, dims=-2)


def unmirror_prediction(belief: BeliefName, prediction: Prediction, side: int) -> Prediction:
    """What was answered about mirrored slices, as an answer about the slices themselves."""
    size = prediction.mean.shape[1]
    last = 100.0 * (size - side % 2) / size  # where the place 0 % comes to lie
    mean, spread = (mirror_maps(maps.movedim(-1, 1), side).movedim(1, -1) for maps in prediction)
    mean = mean.clone()
    mean[..., ::2] = last - mean[..., ::2]  # the x of every component
    if belief == "full":
        spread = torch.cat(
            [spread[..., :2], -spread[..., 2:]], dim=-1
        )  # x turned: so is its correlation with y
    return Prediction(mean, spread)
