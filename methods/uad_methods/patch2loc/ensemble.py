"""The networks of one method: a single one, or one a patch side and modality, and how their answers become a score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch

from uad_methods.patch2loc.belief import BeliefName, ScoreTerms, product
from uad_methods.patch2loc.locator import Locator
from uad_methods.patch2loc.mirror import mirror_maps, mirror_slices, unmirror_prediction
from uad_methods.patch2loc.scoring import (
    Box,
    Prediction,
    Predictor,
    predict_dense,
    predict_patches,
    score_term_maps,
)


class Part(NamedTuple):
    """What one network looks at: channels of the image, and the side of its patches in pixels."""

    channels: list[int]
    side: int


def parts(channels: int, modalities: int, sides: Sequence[int], *, experts: bool) -> list[Part]:
    """One for every side; for experts, one for every side and modality, the modalities of a side together.

    channels: of the image, where those of one modality come every `modalities`-th (2.5D has several of each).
    """
    groups = (
        [list(range(m, channels, modalities)) for m in range(modalities)] if experts else [[*range(channels)]]
    )
    return [Part(group, side) for side in sides for group in groups]


def networks(net: torch.nn.Module) -> list[Locator]:
    """Those that `net` lists, or itself."""
    nets = net if isinstance(net, torch.nn.ModuleList) else [net]
    return [locator for locator in nets if isinstance(locator, Locator)]


@dataclass(frozen=True)
class Ensemble:
    """networks and what each looks at; slides: by dense passes, else patch by patch; flips: mirrored slices too."""

    networks: Sequence[Predictor]
    parts: Sequence[Part]
    belief: BeliefName
    slides: bool
    flips: bool

    def score_terms(
        self, images: torch.Tensor, height: torch.Tensor, brain: torch.Tensor, box: Box
    ) -> ScoreTerms:
        """Both terms of the anomaly score of the brain pixels (bool, n, X, Y) of slices (n, C, X, Y); else 0.

        height: (n,), percent of the volume. box: holds all brain of the volume. Experts of one side are multiplied
        into one belief; the terms are averaged over sides, and over the slices and their mirror images.
        """
        terms_per_pass = []
        for side in dict.fromkeys(part.side for part in self.parts):
            for flip in [False, True][: 1 + self.flips]:
                prediction = self._predict_side(side, flip, images, height, brain, box)
                terms_per_pass.append(score_term_maps(self.belief, prediction, brain))
        return ScoreTerms(*(torch.stack(terms).mean(0) for terms in zip(*terms_per_pass, strict=True)))

    def predicted_location(
        self, images: torch.Tensor, height: torch.Tensor, brain: torch.Tensor, box: Box
    ) -> torch.Tensor:
        """Where the networks of the first side say that each brain pixel's patch was, percent, (n, X, Y, 2)."""
        prediction = self._predict_side(self.parts[0].side, False, images, height, brain, box)
        if self.belief != "mixture":
            return prediction.mean
        return torch.where(prediction.spread[..., 4:] > 0, prediction.mean[..., :2], prediction.mean[..., 2:])

    def _predict_side(
        self, side: int, flip: bool, images: torch.Tensor, height: torch.Tensor, brain: torch.Tensor, box: Box
    ) -> Prediction:
        if flip:
            x = slice(0, images.shape[2])  # the mirror image of the box lies elsewhere
            images, brain, box = mirror_slices(images), mirror_maps(brain, side), (x, box[1])
        predictions = [
            self._predict(net, images[:, part.channels], height, brain, side, box)
            for net, part in zip(self.networks, self.parts, strict=True)
            if part.side == side
        ]
        means, spreads = zip(*predictions, strict=True)
        prediction = (
            predictions[0] if len(predictions) == 1 else Prediction(*product(list(means), list(spreads)))
        )
        return unmirror_prediction(self.belief, prediction, side) if flip else prediction

    def _predict(
        self,
        net: Predictor,
        images: torch.Tensor,
        height: torch.Tensor,
        brain: torch.Tensor,
        side: int,
        box: Box,
    ) -> Prediction:
        if self.slides:
            return predict_dense(cast(Locator, net), images, height, side, box)
        chunk = 256 if images.device.type == "cpu" else 8192
        return predict_patches(net, images, height, brain, side, chunk)
