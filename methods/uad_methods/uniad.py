"""UniAD: a transformer rebuilds frozen features of healthy slices, each without looking at its neighbourhood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.features.components import divisors
from uad_methods.parts.features.extractor import (
    SETTLED,
    VARIANTS,
    EfficientExtractor,
    check_weights,
    learn_without_weights,
    pyramid_of,
)
from uad_methods.parts.features.kept import KeptFeatures
from uad_methods.parts.features.pyramid import Pyramid
from uad_methods.parts.images.square import from_square, to_square
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.transformer.layers import Sizes
from uad_methods.parts.networks.transformer.rebuilding import TokenTransformer
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.noise import jittered
from uad_methods.parts.weights import load_into


@dataclass
class UniAD(TorchMethod):
    """Distance of the features of a slice to those that a transformer rebuilds (You et al. 2022).

    Anomaly map: the Euclidean norm over channels of the difference at each token of the grid, resized to the slice; at
    least 0. Its scale depends on the features and on their number. Several modalities are images of their own, whose
    maps are averaged.

    The paper's features have ImageNet weights, which you provide: --set uniad.weights=efficientnet-b4-6ed6700e.pth.
    The variant `resnet18` takes those of a ResNet-18. Variants without external weights: `self`, a ResNet-18 that is
    first trained to fill in hidden squares of the healthy training slices, and `random`.

    Hyper-parameters:
        extractor: the network of the features: "efficientnet_b4", or the variant's name.
        weights: file of its weights.
        sha256: digest of the file, 8 digits or more; not needed where the file name ends in it.
        side: side of the square to which slices are resized, in pixels, a multiple of 16.
        width: channels of the first stage of `self` and `random`.
        grid: tokens along a side of the slice.
        window: side of the neighbourhood that a token may not look at, in tokens, odd.
        standardise: divide features by their standard deviation over healthy slices, after subtracting the mean, so
            that channels of large variance do not dominate loss and map.
        dims: numbers of a token inside the transformer.
        heads: of its attention.
        feed: width of its feed-forward parts.
        layers: of its encoder, and of its decoder.
        dropout: probability of dropout in the transformer.
        jitter: of the tokens in training: noise in units of their length / channels.
        weight_decay: of AdamW.
        clip: of the gradient's norm; 0 for none.
        batch: slices in a training step.
        steps: of the transformer; the paper's 1,000 epochs of the 3,629 images of MVTec AD in batches of 64.
        drop_at: share of the steps after which the learning rate is a tenth; 1 for never.
        self_steps: training steps of the features of `self`.
    """

    extractor: EfficientExtractor = "efficientnet_b4"
    weights: str = ""
    sha256: str = ""
    side: int = 224
    width: int = 64
    grid: int = 14
    window: int = 7
    standardise: bool = False
    dims: int = 256
    heads: int = 8
    feed: int = 1024
    layers: int = 4
    dropout: float = 0.1
    jitter: float = 20.0
    lr: float = 1e-4
    weight_decay: float = 1e-4
    clip: float = 0.1
    batch: int = 64
    steps: int = 56_700
    drop_at: float = 0.8
    self_steps: int = 2_000

    limits: ClassVar[Limits] = {
        **LIMITS, "grid": (2, 64), "window": (1, 63), "dims": (2, 65_536), "heads": (1, 1024), "feed": (1, 65_536),
        "layers": (1, 100), "jitter": (0, 1e4), "drop_at": (0, 1),
    }  # fmt: skip
    paper: ClassVar[str] = "You et al. 2022, NeurIPS, arXiv 2206.03687"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = VARIANTS
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 32, "width": 4, "grid": 4, "window": 3, "dims": 8, "heads": 2, "feed": 16, "layers": 1, "lr": 1e-3,
        "batch": 2, "steps": 3, "self_steps": 3,
    }  # fmt: skip

    def __post_init__(self) -> None:
        """Raise UsageError for combinations that are neither the paper's method nor a variant."""
        check_weights("uniad", self.extractor, self.weights)
        if self.side % 16 or self.side < 32:
            raise UsageError(f"uniad.side is {self.side}", hint="give a multiple of 16, at least 32")
        if not self.window % 2 or self.window // 2 >= self.grid // 2:
            what = f"uniad.window is {self.window} on a grid of {self.grid}"
            hint = "give an odd window outside which every token sees others, such as 3 on a grid of 8"
            raise UsageError(what, hint=hint)
        if self.dims % self.heads or self.dims % 2:
            what = f"uniad.dims is {self.dims} with {self.heads} heads"
            raise UsageError(what, hint="dims is even, and a multiple of heads")

    def seen(self) -> tuple[str, ...]:
        """("imagenet",) where weights are given."""
        return ("imagenet",) if self.weights else ()

    def build(self) -> "FeaturesAndTransformer":
        """Network: 3,635,984 frozen weights of the EfficientNet-B4 and 7,717,392 trained ones of the transformer."""
        stages = (1, 2, 3, 4) if self.extractor == "efficientnet_b4" else (1, 2, 3)
        pyramid = pyramid_of(self.extractor, stages, self.width)
        sizes = Sizes(self.dims, self.heads, self.feed, self.dropout)
        channels = sum(pyramid.channels)
        transformer = TokenTransformer(channels, self.grid, self.window, self.layers, sizes)
        return FeaturesAndTransformer(pyramid, transformer, self.grid)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train the transformer on features of slices of `train`; the last weights are kept, as published."""
        self.begin(train, ctx)
        net, stack = self._net, SliceStack(train, ctx)
        if self.weights:
            self.weights_ = load_into(net.pyramid.resnet, self.weights, self.sha256)
        sizes = self.side, self.batch, self.self_steps
        learn_without_weights(net.pyramid, self.extractor, stack, ctx, sizes)
        net.pyramid.requires_grad_(False)
        if self.standardise:
            net.settle(to_square(stack.spread(SETTLED).image, self.side))
        kept = KeptFeatures(stack, lambda images: net.tokens(to_square(images, self.side)), ctx)
        transformer = net.transformer.train()
        opt = torch.optim.AdamW(transformer.parameters(), self.lr, weight_decay=self.weight_decay)
        for step in ctx.steps(self.steps, name="transformer", transformer=transformer, opt=opt):
            opt.param_groups[0]["lr"] = self.rate(step)
            loss = self.batch_loss(kept.batch(step, self.batch), step, ctx)
            ctx.log(loss=loss)
            descend(opt, loss, self.clip)

    def rate(self, step: int) -> float:
        """The learning rate of a step: `lr`, and a tenth of it from `drop_at` of the steps on."""
        return self.lr if step < self.drop_at * self.steps else 0.1 * self.lr

    def batch_loss(self, tokens: torch.Tensor, step: int, ctx: Context) -> torch.Tensor:
        """Mean squared error of tokens (n, C, L, channels) that are rebuilt from noisy ones: a scalar, in float32."""
        tokens = tokens.flatten(0, 1)
        noisy = jittered(tokens, self.jitter, ctx.torch_rng("jitter", step))
        with ctx.autocast():
            rebuilt = self._net.transformer(noisy)
        return functional.mse_loss(rebuilt.float(), tokens)

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Distance of rebuilt features, at least 0 (X, Y, Z), higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(scan, ctx, self._distances)

    def _distances(self, batch: Batch) -> torch.Tensor:
        tokens, size = self._net.tokens(to_square(batch.image, self.side)), (self.side, self.side)
        rebuilt = self._net.transformer(tokens.flatten(0, 1)).view(tokens.shape)
        distances = torch.linalg.vector_norm(rebuilt - tokens, dim=-1)
        maps = distances.view(*tokens.shape[:2], self.grid, self.grid)
        full = functional.interpolate(maps, size, mode="bilinear", align_corners=True).mean(dim=1)
        x, y = batch.image.shape[-2:]
        return from_square(full, (x, y)) * batch.brain

    @property
    def _net(self) -> "FeaturesAndTransformer":
        assert isinstance(self.net_, FeaturesAndTransformer)
        return self.net_


class FeaturesAndTransformer(nn.Module):
    """A frozen network of features, and the transformer that rebuilds them on a square grid.

    mean, sd: (channels,), by which features are standardised; 0 and 1 unless `settle` sets them.
    """

    def __init__(self, pyramid: Pyramid, transformer: TokenTransformer, grid: int) -> None:
        super().__init__()
        self.pyramid, self.transformer, self.grid = pyramid, transformer, grid
        self.mean: torch.Tensor
        self.sd: torch.Tensor
        self.register_buffer("mean", torch.zeros(sum(pyramid.channels)))
        self.register_buffer("sd", torch.ones(sum(pyramid.channels)))

    def tokens(self, images: torch.Tensor) -> torch.Tensor:
        """Slices (n, C, side, side) -> tokens (n, C, grid^2, channels), all stages on one grid."""
        size = (self.grid, self.grid)
        maps = [
            functional.interpolate(one, size, mode="bilinear", align_corners=True)
            for one in self.pyramid(images)
        ]
        tokens = torch.cat(maps, dim=1).flatten(2).movedim(1, 2)
        return ((tokens - self.mean) / self.sd).view(*images.shape[:2], *tokens.shape[1:])

    def settle(self, images: torch.Tensor) -> None:
        """Standardise tokens by the statistics of these slices (n, C, side, side)."""
        with torch.no_grad():
            tokens = self.tokens(images).flatten(0, 2)
        self.mean, self.sd = tokens.mean(dim=0), divisors(tokens.std(dim=0))
