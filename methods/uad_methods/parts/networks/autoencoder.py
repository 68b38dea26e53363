"""Network of AE and VAE (Baur et al. 2021), with encoder and decoder that other methods use.

Slices are (n, C, X, Y). Every level halves the sides, down to a map of about 8 x 8; a dense layer maps it to
the code. One deliberate difference from the published code: its batch normalisation never updated its initial
statistics, which makes it a scale and shift per channel; here it normalises.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

KERNEL, SLOPE = (
    5,
    0.3,
)  # negative slope of LeakyReLU: the default of the paper's framework, not PyTorch's 0.01
SMALLEST = 8  # minimum of the shorter side of the map before the dense layer, pixels
WIDEST, NARROWEST = 128, 32  # channels of a level
CODE = 128
LOG_SIGMA = (-6, 2)  # clamp, not in the paper: a single outlier must not overflow exp


class Output(NamedTuple):
    """Output of the network.

    image: reconstruction (n, C, X, Y).
    mean, log_sigma: of the Gaussian code, (n, 128) each; VAE only.
    """

    image: torch.Tensor
    mean: torch.Tensor | None = None
    log_sigma: torch.Tensor | None = None


def levels(shape: tuple[int, int]) -> int:
    """Number of halvings for slices of `shape` (X, Y): floor(log2(shorter side / 8)), at least 1."""
    return max(1, (min(shape) // SMALLEST).bit_length() - 1)


class Plan(NamedTuple):
    """Sizes of the network for slices of one shape.

    down, up: channels of each level.
    thin: channels of the map before the dense layer.
    small, full: shapes (X, Y) of that map and of the padded slice.
    """

    down: list[int]
    up: list[int]
    thin: int
    small: tuple[int, int]
    full: tuple[int, int]

    @property
    def size(self) -> int:
        """Number of values in the map before the dense layer."""
        return self.thin * self.small[0] * self.small[1]


def plan(shape: tuple[int, int], squeeze: int = 8) -> Plan:
    """Sizes of the network for slices of `shape` (X, Y).

    squeeze: factor by which channels are reduced before the dense layer.
    """
    depth = levels(shape)
    down = [min(WIDEST, NARROWEST * 2**i) for i in range(depth)]
    up = [max(NARROWEST, WIDEST // 2**i) for i in range(depth)]
    small = (-(-shape[0] // 2**depth), -(-shape[1] // 2**depth))
    return Plan(down, up, down[-1] // squeeze, small, (small[0] * 2**depth, small[1] * 2**depth))


def encoder(channels: int, sizes: Plan) -> nn.Sequential:
    """Padded slices (n, C, *full) -> flattened map (n, size)."""
    pairs = zip([channels, *sizes.down], sizes.down, strict=False)
    down = [_downsample(a, b) for a, b in pairs]
    return nn.Sequential(*down, nn.Conv2d(sizes.down[-1], sizes.thin, 1), nn.Flatten())


def decoder(channels: int, sizes: Plan) -> nn.Sequential:
    """Flattened map (n, size) -> padded slices (n, C, *full), without a final activation."""
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
    """Slices (n, C, X, Y), padded with zeros at the far ends to sides that can be halved: (n, C, *full)."""
    x, y = images.shape[-2:]
    return functional.pad(images, (0, sizes.full[1] - y, 0, sizes.full[0] - x))


class Autoencoder(nn.Module):
    """Slices -> code of 128 numbers -> slices. 1.63 M weights at 128 x 128, 1.52 M at 96 x 96.

    Slices of any `shape` (X, Y) are padded with zeros at the far ends, and outputs cropped.

        dropout: probability, on the code and, in a Gaussian network, on the expanded vector.
        gaussian: the encoder predicts mean and log sigma of the code, which is sampled in training; in eval
            mode the mean is used. 1.76 M and 1.82 M weights.
        squeeze: factor by which channels are reduced before the dense layer.
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
        self.drop_expanded = nn.Dropout(dropout) if gaussian else nn.Identity()
        self.expand = nn.Linear(CODE, self.sizes.size)
        self.decoder = decoder(channels, self.sizes)
        for module in self.modules():
            _glorot(module)

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
        decoded: torch.Tensor = self.decoder(self.drop_expanded(self.expand(self.drop(code))))
        return decoded[..., :x, :y]


def sample_code(mean: torch.Tensor, log_sigma: torch.Tensor) -> torch.Tensor:
    """Sample from N(mean, sigma), of the shape of both."""
    return mean + torch.randn_like(mean) * log_sigma.exp()


def _glorot(module: nn.Module) -> None:
    """Uniform weights after Glorot and Bengio 2010 and zero biases, the default of the paper's framework."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _downsample(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, KERNEL, stride=2, padding=KERNEL // 2)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE))


def _upsample(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, KERNEL, stride=2, padding=KERNEL // 2, output_padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE))
