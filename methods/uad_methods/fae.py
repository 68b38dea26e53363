"""FAE: an autoencoder of a frozen ResNet's features; what it rebuilds with the wrong structure is anomalous."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.equalise import EqualisedScans, equalised_scan
from uad_methods.parts.frame import from_square, to_square
from uad_methods.parts.hidden import Filler, fill_loss, hide
from uad_methods.parts.resnet18 import ResNet18
from uad_methods.parts.ssim import ssim_map
from uad_methods.parts.weights import load_into

TAPS = 256  # channels of the features of one modality: 64 + 64 + 128
WIDTHS = (100, 150, 200, 300)


@dataclass
class FAE(TorchMethod):
    """Features of healthy slices are squeezed and rebuilt; the score is 1 - SSIM of the two, mean over channels.

    The paper's network begins with ImageNet weights, which you bring: --set fae.weights=resnet18-f37072fd.pth.
    Without them there are two methods of their own names: fae:random, whose ResNet stays as it was drawn, and
    fae:self, whose ResNet first learns on the healthy slices to fill in hidden squares.

    sha256: digest (8 digits or more) that the file must have, where its name does not end in it. adapt_bn: the
    ResNet's batch statistics move on while the autoencoder learns, as published. equalise: histograms, inside
    the brain. side: pixels of the square that slices are brought to, a multiple of 64. self_steps: of filling in.
    """

    extractor: Literal["weights", "random", "self"] = "weights"
    weights: str = ""
    sha256: str = ""
    adapt_bn: bool = True
    equalise: bool = True
    side: int = 128
    lr: float = 2e-4
    batch: int = 32
    steps: int = 10_000
    dropout: float = 0.1
    self_steps: int = 2_000

    paper: ClassVar[str] = "Meissen et al. 2022, BrainLes (Structural Feature-Autoencoders)"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "random": {"extractor": "random"},
        "self": {"extractor": "self"},
    }
    tiny: ClassVar[Mapping[str, Any]] = {"side": 64, "batch": 2, "steps": 3, "self_steps": 3}

    def __post_init__(self) -> None:
        """Refuse what would be another method under this name."""
        if self.extractor == "weights" and not self.weights:
            hint = "give a ResNet-18 file, --set fae.weights=FILE, or run fae:random or fae:self"
            raise UsageError("fae needs ImageNet weights, and none were given", hint=hint)
        if self.extractor != "weights" and self.weights:
            raise UsageError(f"fae.weights would be ignored by fae:{self.extractor}", hint="drop one of them")
        if self.side % 64 or self.side < 64:
            raise UsageError(f"fae.side is {self.side}", hint="give a multiple of 64")

    def seen(self) -> tuple[str, ...]:
        """ImageNet, where weights are given."""
        return ("imagenet",) if self.weights else ()

    def build(self) -> "FeatureAutoencoder":
        """The network: 10,285,048 weights of the autoencoder, 683,072 of the ResNet, for one modality."""
        return FeatureAutoencoder(self.channels_, self.dropout, adapt_bn=self.adapt_bn)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train`; the last weights are kept, as published."""
        self.begin(train, ctx)
        if self.weights:
            self.weights_ = load_into(self._net.extractor.resnet, Path(self.weights), self.sha256)
        stack = SliceStack(EqualisedScans(train) if self.equalise else train, ctx)
        if self.extractor == "self":
            self._learn_to_fill(stack, ctx)
        net = self._net.train()
        net.extractor.requires_grad_(False)
        opt = torch.optim.Adam(net.autoencoder.parameters(), self.lr)
        for step in ctx.steps(self.steps, name="autoencoder", net=net, opt=opt):
            with ctx.autocast():
                features, rebuilt = net(to_square(stack.batch(step, self.batch).image, self.side))
            loss = -ssim_map(rebuilt, features).mean()
            ctx.log(loss=loss)
            opt.zero_grad()
            torch.autograd.backward(loss)
            opt.step()

    def _learn_to_fill(self, stack: SliceStack, ctx: Context) -> None:
        """First phase of fae:self; every modality is an image of its own."""
        extractor, filler = self._net.extractor, Filler(TAPS).to(ctx.device)
        extractor.resnet.train()  # whatever `adapt_bn` says of the phase after
        opt = torch.optim.Adam([*extractor.parameters(), *filler.parameters()], 1e-3)
        for step in ctx.steps(self.self_steps, name="extractor", extractor=extractor, filler=filler, opt=opt):
            images = to_square(stack.batch(step, self.batch).image, self.side).flatten(0, 1)[:, None]
            seen, hidden = hide(images, ctx.torch_rng("hidden", step))
            with ctx.autocast():
                guess = filler(extractor(seen))
            loss = fill_loss(guess, images, hidden)
            ctx.log(loss=loss)
            opt.zero_grad()
            torch.autograd.backward(loss)
            opt.step()

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """1 - SSIM in [0, 2] (X, Y, Z); 0 outside the brain."""
        return self.score_slices(equalised_scan(scan) if self.equalise else scan, ctx, self._residual)

    def _residual(self, batch: Batch) -> torch.Tensor:
        features, rebuilt = self._net(to_square(batch.image, self.side))
        error = 1 - ssim_map(rebuilt, features).mean(dim=1, keepdim=True)
        size = (self.side, self.side)
        full = functional.interpolate(error, size, mode="bilinear", align_corners=True)[:, 0]
        x, y = batch.image.shape[-2:]
        return from_square(full, (x, y)) * batch.brain

    @property
    def _net(self) -> "FeatureAutoencoder":
        assert isinstance(self.net_, FeatureAutoencoder)
        return self.net_


class FeatureAutoencoder(nn.Module):
    """Slices (n, C, side, side) in [0, 1] -> their features and the features rebuilt, (n, 256 C, side / 4, ...)."""

    def __init__(self, channels: int, dropout: float, *, adapt_bn: bool) -> None:
        super().__init__()
        self.extractor = Extractor(adapt_bn=adapt_bn)
        widths = (TAPS * channels, *WIDTHS)
        down = [_halve(a, b, dropout) for a, b in pairwise(widths)]
        ups = (*reversed(WIDTHS), TAPS * channels)
        up = [_double(a, b, dropout) for a, b in pairwise(ups)]
        code, last = WIDTHS[-1], TAPS * channels
        self.autoencoder = nn.Sequential(
            *down, nn.Conv2d(code, code, 5, padding=2, bias=False), *up, nn.Conv2d(last, last, 1, bias=False)
        )

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            features = self.extractor(images)
        return features, self.autoencoder(features)


class Extractor(nn.Module):
    """The first half of a ResNet-18; every modality passes it alone, as a grey picture."""

    def __init__(self, *, adapt_bn: bool) -> None:
        super().__init__()
        self.resnet = ResNet18(stages=2)
        self.adapt_bn = adapt_bn

    def train(self, mode: bool = True) -> "Extractor":
        """Train mode moves the batch statistics, unless they are to stay."""
        return super().train(mode and self.adapt_bn)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        n, channels, x, y = images.shape
        pictures = (2 * images - 1).reshape(n * channels, 1, x, y).expand(-1, 3, -1, -1)
        size = (x // 4, y // 4)
        taps = [
            functional.interpolate(tap, size, mode="bilinear", align_corners=True)
            for tap in self.resnet.taps(pictures)
        ]
        return torch.cat(taps, dim=1).reshape(n, channels * TAPS, *size)


def _halve(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 5, stride=2, padding=2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(), nn.Dropout2d(dropout))


def _double(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, 6, stride=2, padding=2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(), nn.Dropout2d(dropout))
