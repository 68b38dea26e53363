"""The whole network: latent of a patch and height of its slice -> predictive distribution of its location."""

from itertools import pairwise
from typing import Literal

import torch
from torch import nn

from uad_methods.patch2loc.belief import SIZES, BeliefName
from uad_methods.patch2loc.embedding import sinusoidal
from uad_methods.patch2loc.patches import Positions

Variance = Literal["joint", "detached", "fixed"]


def head(widths: tuple[int, ...]) -> nn.Sequential:
    """Fully connected layers with batch normalisation and ReLU in between; the last layer is linear."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-2])


class Locator(nn.Module):
    """Encoder, slice embedding, and one head each for mean and spread of the belief.

    widths: of a head, from the latent to its last hidden layer.
    centred: an untrained network predicts the belief's own centre instead of 0.
    variance: "joint", predicted with the mean; "detached", from a latent without gradient, so that it
        does not affect the encoder; "fixed", 1.
    """

    def __init__(
        self,
        encoder: nn.Module,
        widths: tuple[int, ...],
        belief: BeliefName = "diagonal",
        *,
        centred: bool = False,
        variance: Variance = "joint",
    ) -> None:
        super().__init__()
        sizes = SIZES[belief]
        self.encoder, self.mean = encoder, head((*widths, sizes.mean))
        self.log_variance = head((*widths, sizes.spread)) if variance != "fixed" else None
        self.belief, self.variance = belief, variance
        centre = torch.tensor(sizes.centre if centred else (0.0,) * sizes.mean)
        self.register_buffer("centre", centre, persistent=False)

    def forward(
        self, x: torch.Tensor, height: torch.Tensor, kept: torch.Tensor | Positions | None = None, **how: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean (percent) and spread of the belief, (k, .) each, for the patches in `x` (n, C, ., .).

        height: (n,), of the slice, percent of the volume.
        kept: positions of the encoder's output to predict, as a mask (bool, n, x, y) or indices; None for
            all.
        how: arguments of the encoder.

        Under autocast the encoder alone computes in bf16: a bf16 location near 70 % is a multiple of 0.5 %.
        """
        latent = self.encoder(x, **how).movedim(1, -1).float()  # (n, x, y, D)
        with torch.autocast(x.device.type, enabled=False):
            latent = latent + sinusoidal(height, latent.shape[-1])[:, None, None]
            rows = latent.flatten(0, 2) if kept is None else latent[kept]
            mean = self.mean(rows) + self.centre
            if self.log_variance is None:
                return mean, torch.zeros_like(mean)
            return mean, self.log_variance(rows.detach() if self.variance == "detached" else rows)
