"""Left-right mirroring: test-time augmentation with the mirror image of each slice."""

import torch

from uad_methods.patch2loc.belief import BeliefName
from uad_methods.patch2loc.scoring import Prediction


def mirror_slices(slices: torch.Tensor) -> torch.Tensor:
    """Slices (n, ..., X, Y) with x reversed."""
    return slices.flip(-2)


def mirror_maps(maps: torch.Tensor, side: int) -> torch.Tensor:
    """Maps of patches (n, ..., X, Y) moved to the patches' positions in the mirrored slices; its own inverse.

    A patch of even side at x covers rows x - side/2 .. x + side/2 - 1; mirrored, these are the rows of the
    patch at X - x, not X - 1 - x. Row 0 has no counterpart and stays in place.
    """
    flipped = maps.flip(-2)
    return flipped if side % 2 else flipped.roll(1, dims=-2)


def unmirror_prediction(belief: BeliefName, prediction: Prediction, side: int) -> Prediction:
    """Prediction for mirrored slices as a prediction for the original slices."""
    size = prediction.mean.shape[1]
    last = 100.0 * (size - side % 2) / size  # mirrored location of 0 %
    mean, spread = (mirror_maps(maps.movedim(-1, 1), side).movedim(1, -1) for maps in prediction)
    mean = mean.clone()
    mean[..., ::2] = last - mean[..., ::2]  # the x of every component
    if belief == "full":
        # Mirroring x changes the sign of its correlation with y.
        spread = torch.cat([spread[..., :2], -spread[..., 2:]], dim=-1)
    return Prediction(mean, spread)
