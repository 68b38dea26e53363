"""FAE: autoencoder of a frozen ResNet's features; the anomaly map is their structural dissimilarity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch.nn import functional

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.images.equalise import EqualisedScans, equalised_scan
from uad_methods.parts.images.square import from_square, to_square
from uad_methods.parts.images.ssim import ssim_map
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.feature_autoencoder import TAPS, FeatureAutoencoder
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.masked_squares import SquareDecoder, learn_to_fill
from uad_methods.parts.weights import load_into


@dataclass
class FAE(TorchMethod):
    """Autoencoder of ResNet-18 features, trained with an SSIM loss on healthy slices (Meissen et al. 2022).

    Anomaly map: 1 - SSIM of features and reconstructed features, the mean over channels, upsampled to the
    slice.

    The paper's extractor has ImageNet weights, which you provide: --set fae.weights=resnet18-f37072fd.pth.
    Variants without them: `random`, with randomly initialised weights, and `self`, whose ResNet is first
    trained to inpaint masked squares of the healthy training slices.

    Hyper-parameters:
        extractor: "weights", or the variant's name.
        weights: file of ResNet-18 weights.
        sha256: digest of the file, 8 digits or more; not needed where the file name ends in it.
        adapt_bn: update the ResNet's batch statistics while the autoencoder is trained, as published.
        equalise: histogram equalisation inside the brain mask.
        side: side of the square to which slices are resized, in pixels, a multiple of 64.
        dropout: probability that a feature map is set to 0 in training.
        self_steps: steps of the first phase of `self`.
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

    limits: ClassVar[Limits] = LIMITS
    paper: ClassVar[str] = "Meissen et al. 2022, BrainLes (Structural Feature-Autoencoders)"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "random": {"extractor": "random"},
        "self": {"extractor": "self"},
    }
    tiny: ClassVar[Mapping[str, Any]] = {"side": 64, "batch": 2, "steps": 3, "self_steps": 3}

    def __post_init__(self) -> None:
        """Raise UsageError for combinations that are neither the paper's method nor a variant."""
        if self.extractor == "weights" and not self.weights:
            hint = "give a ResNet-18 file, --set fae.weights=FILE, or run fae:random or fae:self"
            raise UsageError("fae needs ImageNet weights of a ResNet-18, and none were given", hint=hint)
        if self.extractor != "weights" and self.weights:
            raise UsageError(
                f"fae.weights would be ignored by fae:{self.extractor}", hint="drop fae.weights, or run fae"
            )
        if self.side % 64 or self.side < 64:
            raise UsageError(f"fae.side is {self.side}", hint="give a multiple of 64")

    def seen(self) -> tuple[str, ...]:
        """("imagenet",) where weights are given."""
        return ("imagenet",) if self.weights else ()

    def build(self) -> FeatureAutoencoder:
        """Network: 10,285,048 weights of the autoencoder and 683,072 of the ResNet for one modality."""
        return FeatureAutoencoder(self.channels_, self.dropout, adapt_bn=self.adapt_bn)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train`; the last weights are kept, as published."""
        self.begin(train, ctx)
        if self.weights:
            self.weights_ = load_into(self._net.extractor.resnet, Path(self.weights), self.sha256)
        stack = SliceStack(EqualisedScans(train) if self.equalise else train, ctx)
        if self.extractor == "self":
            self._pretrain_extractor(stack, ctx)
        net = self._net.train()
        net.extractor.requires_grad_(False)
        opt = torch.optim.Adam(net.autoencoder.parameters(), self.lr)
        for step in ctx.steps(self.steps, name="autoencoder", net=net, opt=opt):
            with ctx.autocast():
                features, rebuilt = net(to_square(stack.batch(step, self.batch).image, self.side))
            loss = -ssim_map(rebuilt, features).mean()
            ctx.log(loss=loss)
            descend(opt, loss)

    def _pretrain_extractor(self, stack: SliceStack, ctx: Context) -> None:
        """First phase of `self`; every modality is an image of its own."""
        extractor, filler = self._net.extractor, SquareDecoder(TAPS).to(ctx.device)
        extractor.resnet.train()  # independent of `adapt_bn`, which concerns the next phase
        sizes = self.side, self.batch, self.self_steps
        learn_to_fill(
            lambda masked: filler(extractor(masked)), stack, ctx, sizes, extractor=extractor, filler=filler
        )

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """1 - SSIM in [0, 2] (X, Y, Z), higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(equalised_scan(scan) if self.equalise else scan, ctx, self._residual)

    def _residual(self, batch: Batch) -> torch.Tensor:
        features, rebuilt = self._net(to_square(batch.image, self.side))
        error = 1 - ssim_map(rebuilt, features).mean(dim=1, keepdim=True)
        size = (self.side, self.side)
        full = functional.interpolate(error, size, mode="bilinear", align_corners=True)[:, 0]
        x, y = batch.image.shape[-2:]
        return from_square(full, (x, y)) * batch.brain

    @property
    def _net(self) -> FeatureAutoencoder:
        assert isinstance(self.net_, FeatureAutoencoder)
        return self.net_
