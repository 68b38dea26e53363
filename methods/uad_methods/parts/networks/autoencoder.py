"""The network that AE and VAE share, and the parts of it that others use: encoder and decoder of Baur et al. 2021.

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
LOG_SIGMA = (-6, 2)  # a clamp that is not in the paper: one wild slice must not overflow exp


class Output(NamedTuple):
    """image: the reconstruction (n, C, X, Y); mean, log_sigma: of the Gaussian code (n, 128), VAE only."""

    image: torch.Tensor
    mean: torch.Tensor | None = None
    log_sigma: torch.Tensor | None = None


def levels(shape: tuple[int, int]) -> int:
    """How often slices of `shape` (X, Y) are halved: floor(log2(shorter side / 8)), at least once."""
    return max(1, (min(shape) // SMALLEST).bit_length() - 1)


class Plan(NamedTuple):
    """Sizes of the network for slices of one shape.

    down, up: channels of each level; thin: of the map that the dense layer sees; small, full: shapes (X, Y) of
    that map and of the padded slice.
    """

    down: list[int]
    up: list[int]
    thin: int
    small: tuple[int, int]
    full: tuple[int, int]

    @property
    def size(self) -> int:
        """Numbers in the thin map."""
        return self.thin * self.small[0] * self.small[1]


def plan(shape: tuple[int, int], squeeze: int = 8) -> Plan:
    """For slices of `shape`; the last level has `squeeze` times as many channels as the thin map."""
    depth = levels(shape)
    down = [min(WIDEST, NARROWEST * 2**i) for i in range(depth)]
    up = [max(NARROWEST, WIDEST // 2**i) for i in range(depth)]
    small = (-(-shape[0] // 2**depth), -(-shape[1] // 2**depth))
    return Plan(down, up, down[-1] // squeeze, small, (small[0] * 2**depth, small[1] * 2**depth))


def encoder(channels: int, sizes: Plan) -> nn.Sequential:
    """Padded slices (n, C, *full) -> the thin map, flat: (n, size)."""
    pairs = zip([channels, *sizes.down], sizes.down, strict=False)
    halved = [_downsample(a, b) for a, b in pairs]
    return nn.Sequential(*halved, nn.Conv2d(sizes.down[-1], sizes.thin, 1), nn.Flatten())


def decoder(channels: int, sizes: Plan) -> nn.Sequential:
    """The thin map, flat (n, size) -> padded slices (n, C, *full), linear at the end."""
    top = sizes.down[-1]
    pairs = zip([top, *sizes.up], sizes.up, strict=False)
    return nn.Sequential(
        nn.Unflatten(1, (sizes.thin, *sizes.small)),
        nn.Conv2d(sizes.thin, top, 1),
        nn.BatchNorm2d(top),
        nn.ReLU(),
        *(_upsample(a, b) for a, b in pairs),
        nn.Conv2d(sizes.up[-1], channels, 1),
    )


def pad_slices(images: torch.Tensor, sizes: Plan) -> torch.Tensor:
    """Slices (n, C, X, Y) with zeros at the far ends, up to whole levels: (n, C, *full)."""
    x, y = images.shape[-2:]
    return functional.pad(images, (0, sizes.full[1] - y, 0, sizes.full[0] - x))


class Autoencoder(nn.Module):
    """Slices -> code of 128 numbers -> slices. 1.63 M weights at 128 x 128, 1.52 M at 96 x 96.

    `shape` (X, Y) may be any: slices are padded with zeros at the far ends to whole levels, and cut back.
    dropout: on the code and on the expanded vector. gaussian: the code is drawn from a Gaussian whose mean
    and spread the encoder gives (in eval mode it is the mean), 1.76 M and 1.82 M weights. squeeze: by how much
    the map is thinned before the dense layer.
    """

    def __init__(
        self, channels: int, shape: tuple[int, int], dropout: float, *, gaussian: bool, squeeze: int = 8
    ) -> None:
        super().__init__()
        self.sizes = plan(shape, squeeze)
        self.encoder = encoder(channels, self.sizes)
        self.to_mean = nn.Linear(self.sizes.size, CODE)
        self.to_log_sigma = nn.Linear(self.sizes.size, CODE) if gaussian else None
        self.drop = nn.Dropout(dropout)
        self.expand = nn.Linear(CODE, self.sizes.size)
        self.decoder = decoder(channels, self.sizes)

    def forward(self, images: torch.Tensor) -> Output:
        """Reconstruct slices (n, C, X, Y)."""
        x, y = images.shape[-2:]
        features = self.encoder(pad_slices(images, self.sizes))
        mean = self.to_mean(features)
        if self.to_log_sigma is None:
            return Output(self._decode(mean, x, y))
        log_sigma = self.to_log_sigma(features).clamp(*LOG_SIGMA)
        code = sample_code(mean, log_sigma) if self.training else mean
        return Output(self._decode(code, x, y), mean, log_sigma)

    def _decode(self, code: torch.Tensor, x: int, y: int) -> torch.Tensor:
        decoded: torch.Tensor = self.decoder(self.drop(self.expand(self.drop(code))))
        return decoded[..., :x, :y]


def sample_code(mean: torch.Tensor, log_sigma: torch.Tensor) -> torch.Tensor:
    """A code from N(mean, sigma), of the shape of both."""
    return mean + torch.randn_like(mean) * log_sigma.exp()


def _downsample(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, KERNEL, stride=2, padding=KERNEL // 2)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE))


def _upsample(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, KERNEL, stride=2, padding=KERNEL // 2, output_padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE))
