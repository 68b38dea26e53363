"""The network that AE and VAE share: the "unified" encoder and decoder of Baur et al. 2021.

Slices are (n, C, X, Y). Every level halves them, down to a map of about 8 x 8, which a dense layer squeezes
into the code. One difference from the published code is on purpose: its batch normalisation never left its
first statistics, which makes it a scale and shift per channel; here it normalises.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

KERNEL, SLOPE = 5, 0.3  # slope: that of the paper's framework, not PyTorch's 0.01
SMALLEST = 8  # pixels of the shorter side of the map before the dense layer, at least
WIDEST, NARROWEST = 128, 32  # channels
CODE = 128


class Output(NamedTuple):
    """image: the reconstruction (n, C, X, Y); mean, log_sigma: of the Gaussian code (n, 128), VAE only."""

    image: torch.Tensor
    mean: torch.Tensor | None = None
    log_sigma: torch.Tensor | None = None


def levels(shape: tuple[int, int]) -> int:
    """How often slices of `shape` (X, Y) are halved: floor(log2(shorter side / 8)), at least once."""
    return max(1, (min(shape) // SMALLEST).bit_length() - 1)


class Autoencoder(nn.Module):
    """Slices -> code of 128 numbers -> slices. 1.63 M weights at 128 x 128, 1.52 M at 96 x 96.

    `shape` (X, Y) may be any: slices are padded with zeros at the far ends to whole levels, and cut back.
    dropout: on the code and on the expanded vector. gaussian: the code is drawn from a Gaussian whose mean
    and spread the encoder gives (in eval mode it is the mean), 1.76 M and 1.82 M weights.
    """

    def __init__(self, channels: int, shape: tuple[int, int], dropout: float, *, gaussian: bool) -> None:
        super().__init__()
        depth = levels(shape)
        down = [min(WIDEST, NARROWEST * 2**i) for i in range(depth)]
        up = [max(NARROWEST, WIDEST // 2**i) for i in range(depth)]
        small = (-(-shape[0] // 2**depth), -(-shape[1] // 2**depth))
        thin = down[-1] // 8
        size = thin * small[0] * small[1]
        self.full = (small[0] * 2**depth, small[1] * 2**depth)
        pairs = zip([channels, *down], down, strict=False)
        self.encoder = nn.Sequential(
            *(_halve(a, b) for a, b in pairs), nn.Conv2d(down[-1], thin, 1), nn.Flatten()
        )
        self.to_mean = nn.Linear(size, CODE)
        self.to_log_sigma = nn.Linear(size, CODE) if gaussian else None
        self.drop = nn.Dropout(dropout)
        self.expand = nn.Linear(CODE, size)
        pairs = zip([down[-1], *up], up, strict=False)
        self.decoder = nn.Sequential(
            nn.Unflatten(1, (thin, *small)), nn.Conv2d(thin, down[-1], 1), nn.BatchNorm2d(down[-1]), nn.ReLU(),
            *(_double(a, b) for a, b in pairs), nn.Conv2d(up[-1], channels, 1),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> Output:
        """Reconstruct slices (n, C, X, Y)."""
        x, y = images.shape[-2:]
        seen = self.encoder(functional.pad(images, (0, self.full[1] - y, 0, self.full[0] - x)))
        mean = self.to_mean(seen)
        if self.to_log_sigma is None:
            return Output(self._decode(mean, x, y))
        # The clamp, not in the paper, keeps one wild slice from overflowing exp.
        log_sigma = self.to_log_sigma(seen).clamp(-6, 2)
        noise = torch.randn_like(mean) * log_sigma.exp() if self.training else 0.0
        return Output(self._decode(mean + noise, x, y), mean, log_sigma)

    def _decode(self, code: torch.Tensor, x: int, y: int) -> torch.Tensor:
        grown: torch.Tensor = self.decoder(self.drop(self.expand(self.drop(code))))
        return grown[..., :x, :y]


def _halve(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, KERNEL, stride=2, padding=KERNEL // 2)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE))


def _double(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, KERNEL, stride=2, padding=KERNEL // 2, output_padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE))
