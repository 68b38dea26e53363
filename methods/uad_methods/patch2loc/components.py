"""Components of the anomaly map: its two terms, and the displacement of predicted locations."""

from collections.abc import Mapping
from typing import Literal

import torch

from uad_bench import Component
from uad_bench.types import FloatArray
from uad_methods.patch2loc.ensemble import Ensemble
from uad_methods.patch2loc.patches import Region, locations, mask_of
from uad_methods.patch2loc.scoring import Box

KINDS: Mapping[str, tuple[Literal["value", "shift"], str]] = {
    "log error": ("value", "log %²"),
    "log variance": ("value", "log %²"),
    "predicted place": ("shift", "voxels"),
}


def to_components(found: Mapping[str, FloatArray]) -> dict[str, Component]:
    """Volumes by the names of `KINDS` as components with kind and unit."""
    return {name: Component(values, *KINDS[name]) for name, values in found.items()}


def score_components(
    ensemble: Ensemble, images: torch.Tensor, height: torch.Tensor, brain: Region, box: Box
) -> dict[str, torch.Tensor]:
    """Components of the brain pixels, else 0, by the names of `KINDS`.

    The two terms of the score, (n, X, Y), log squared error and mean log-variance, whose sum is the score;
    predicted minus true location in pixels, (n, 2, X, Y), by the network of the first patch side. Arguments
    as of `Ensemble.score_terms`.
    """
    terms = ensemble.score_terms(images, height, brain, box)
    offset = ensemble.predicted_location(images, height, brain, box) - locations(images)
    along = [offset[..., axis] * side / 100 for axis, side in enumerate(images.shape[2:])]
    displacement = torch.stack(along, dim=1) * mask_of(brain)[:, None]
    return {"log error": terms.log_error, "log variance": terms.log_spread, "predicted place": displacement}
