"""The terms of the anomaly score apart, and where the network thinks each patch was."""

from collections.abc import Mapping
from typing import Literal

import torch

from uad_bench import Component
from uad_bench.types import FloatArray
from uad_methods.patch2loc.ensemble import Ensemble
from uad_methods.patch2loc.patches import locations
from uad_methods.patch2loc.scoring import Box

KINDS: Mapping[str, tuple[Literal["value", "shift"], str]] = {
    "log error": ("value", "log %²"),
    "log variance": ("value", "log %²"),
    "predicted place": ("shift", "voxels"),
}


def to_components(found: Mapping[str, FloatArray]) -> dict[str, Component]:
    """Volumes of what `inside` gives, by its names, with their kinds and units."""
    return {name: Component(values, *KINDS[name]) for name, values in found.items()}


def inside(
    ensemble: Ensemble, images: torch.Tensor, height: torch.Tensor, brain: torch.Tensor, box: Box
) -> dict[str, torch.Tensor]:
    """Of the brain pixels (bool, n, X, Y), else 0: log ‖mean - place‖² and the mean log-variance, (n, X, Y), whose sum
    is the score; the predicted minus the true place, (n, 2, X, Y), in pixels. By the names of `KINDS`.

    Arguments as of `Team.judge`. Of several patch sides, the place that the first says.
    """
    terms = ensemble.score_terms(images, height, brain, box)
    away = ensemble.predicted_location(images, height, brain, box) - locations(images)
    pixels = away * away.new_tensor(images.shape[2:]) / 100
    place = pixels.movedim(-1, 1) * brain[:, None]
    return {"log error": terms.log_error, "log variance": terms.log_spread, "predicted place": place}
