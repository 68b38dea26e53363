"""The networks of one method: a single one, or one a patch side and modality, and how their answers become a score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch

from uad_methods.patch2loc.belief import BeliefName, Judged, product
from uad_methods.patch2loc.locator import Locator
from uad_methods.patch2loc.mirror import answer_back, mirrored, moved
from uad_methods.patch2loc.scoring import Answer, Box, Locate, answer_dense, answer_patches, judged


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
    return [
        one for one in (net if isinstance(net, torch.nn.ModuleList) else [net]) if isinstance(one, Locator)
    ]


@dataclass(frozen=True)
class Team:
    """networks and what each looks at; slides: by dense passes, else patch by patch; flips: mirrored slices too."""

    networks: Sequence[Locate]
    parts: Sequence[Part]
    belief: BeliefName
    slides: bool
    flips: bool

    def judge(self, images: torch.Tensor, height: torch.Tensor, brain: torch.Tensor, box: Box) -> Judged:
        """Both terms of the anomaly score of the brain pixels (bool, n, X, Y) of slices (n, C, X, Y); else 0.

        height: (n,), percent of the volume. box: holds all brain of the volume. Experts of one side are multiplied
        into one belief; the terms are averaged over sides, and over the slices and their mirror images.
        """
        verdicts = []
        for side in dict.fromkeys(part.side for part in self.parts):
            for flip in [False, True][: 1 + self.flips]:
                answer = self._of_side(side, flip, images, height, brain, box)
                verdicts.append(judged(self.belief, answer, brain))
        return Judged(*(torch.stack(terms).mean(0) for terms in zip(*verdicts, strict=True)))

    def place(
        self, images: torch.Tensor, height: torch.Tensor, brain: torch.Tensor, box: Box
    ) -> torch.Tensor:
        """Where the networks of the first side say that each brain pixel's patch was, percent, (n, X, Y, 2)."""
        answer = self._of_side(self.parts[0].side, False, images, height, brain, box)
        if self.belief != "mixture":
            return answer.mean
        return torch.where(answer.spread[..., 4:] > 0, answer.mean[..., :2], answer.mean[..., 2:])

    def _of_side(
        self, side: int, flip: bool, images: torch.Tensor, height: torch.Tensor, brain: torch.Tensor, box: Box
    ) -> Answer:
        if flip:
            x = slice(0, images.shape[2])  # the mirror image of the box lies elsewhere
            images, brain, box = mirrored(images), moved(brain, side), (x, box[1])
        answers = [
            self._ask(net, images[:, part.channels], height, brain, side, box)
            for net, part in zip(self.networks, self.parts, strict=True)
            if part.side == side
        ]
        means, spreads = zip(*answers, strict=True)
        answer = answers[0] if len(answers) == 1 else Answer(*product(list(means), list(spreads)))
        return answer_back(self.belief, answer, side) if flip else answer

    def _ask(
        self,
        net: Locate,
        images: torch.Tensor,
        height: torch.Tensor,
        brain: torch.Tensor,
        side: int,
        box: Box,
    ) -> Answer:
        if self.slides:
            return answer_dense(cast(Locator, net), images, height, side, box)
        chunk = 256 if images.device.type == "cpu" else 8192
        return answer_patches(net, images, height, brain, side, chunk)
