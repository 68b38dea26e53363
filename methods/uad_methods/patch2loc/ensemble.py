"""Networks of one method, one or one per patch side and modality, and the combination of their predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch

from uad_methods.patch2loc.belief import BeliefName, ScoreTerms, product
from uad_methods.patch2loc.locator import Locator
from uad_methods.patch2loc.mirror import mirror_maps, mirror_slices, unmirror_prediction
from uad_methods.patch2loc.patches import Region, Where, mask_of
from uad_methods.patch2loc.scoring import (
    Box,
    Prediction,
    Predictor,
    predict_dense,
    predict_patches,
    score_term_maps,
)


class Part(NamedTuple):
    """Input of one network: channels of the image, and the side of its patches in pixels.

    Channels are those of a range: a list as an index would be copied to the device in every step.
    """

    channels: range
    side: int

    def input(self, images: torch.Tensor) -> torch.Tensor:
        """The channels of images (n, C, X, Y)."""
        return images[:, self.channels.start : self.channels.stop : self.channels.step]


def parts(channels: int, modalities: int, sides: Sequence[int], *, experts: bool) -> list[Part]:
    """Inputs of the networks: one per patch side, or per patch side and modality for `experts`.

    channels: of the image, ordered as one group of all modalities per slice.
    """
    groups = [range(channels)]
    if experts:
        groups = [range(m, channels, modalities) for m in range(modalities)]
    return [Part(group, side) for side in sides for group in groups]


def networks(net: torch.nn.Module) -> list[Locator]:
    """The networks that `net` contains, or itself."""
    nets = net if isinstance(net, torch.nn.ModuleList) else [net]
    return [locator for locator in nets if isinstance(locator, Locator)]


@dataclass(frozen=True)
class Ensemble:
    """Networks of a method at scoring.

    dense: apply networks to whole slices (dense passes); else patch by patch.
    flips: average scores with those of the mirrored slices.
    """

    networks: Sequence[Predictor]
    parts: Sequence[Part]
    belief: BeliefName
    dense: bool
    flips: bool

    def score_terms(self, images: torch.Tensor, height: torch.Tensor, brain: Region, box: Box) -> ScoreTerms:
        """Terms of the anomaly score of the brain pixels of slices (n, C, X, Y); 0 elsewhere.

        Beliefs of experts of one patch side are multiplied; terms are averaged over sides, and over slices
        and their mirror images.

            height: (n,), percent of the volume.
            box: bounding box of the volume's brain mask.
        """
        terms_per_pass = []
        for side in dict.fromkeys(part.side for part in self.parts):
            for flip in [False, True][: 1 + self.flips]:
                prediction = self._predict_side(side, flip, images, height, brain, box)
                terms_per_pass.append(score_term_maps(self.belief, prediction, brain))
        return ScoreTerms(*(torch.stack(terms).mean(0) for terms in zip(*terms_per_pass, strict=True)))

    def predicted_location(
        self, images: torch.Tensor, height: torch.Tensor, brain: Region, box: Box
    ) -> torch.Tensor:
        """Location (n, X, Y, 2), percent, that the networks of the first side predict for each brain pixel's patch."""
        prediction = self._predict_side(self.parts[0].side, False, images, height, brain, box)
        if self.belief != "mixture":
            return prediction.mean
        return torch.where(prediction.spread[..., 4:] > 0, prediction.mean[..., :2], prediction.mean[..., 2:])

    def _predict_side(
        self, side: int, flip: bool, images: torch.Tensor, height: torch.Tensor, brain: Region, box: Box
    ) -> Prediction:
        if flip:
            x = slice(0, images.shape[2])  # the mirrored box has another position
            mask = mirror_maps(mask_of(brain), side)
            brain = Where(mask, brain.number) if isinstance(brain, Where) else mask
            images, box = mirror_slices(images), (x, box[1])
        predictions = [
            self._predict(net, part.input(images), height, brain, side, box)
            for net, part in zip(self.networks, self.parts, strict=True)
            if part.side == side
        ]
        means, spreads = zip(*predictions, strict=True)
        prediction = predictions[0]
        if len(predictions) > 1:
            prediction = Prediction(*product(list(means), list(spreads)))
        return unmirror_prediction(self.belief, prediction, side) if flip else prediction

    def _predict(
        self,
        net: Predictor,
        images: torch.Tensor,
        height: torch.Tensor,
        brain: Region,
        side: int,
        box: Box,
    ) -> Prediction:
        if self.dense:
            return predict_dense(cast(Locator, net), images, height, side, box)
        chunk = 256 if images.device.type == "cpu" else 8192
        return predict_patches(net, images, height, brain, side, chunk)
