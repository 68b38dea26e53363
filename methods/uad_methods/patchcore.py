"""PatchCore: distance of patch features to a coreset of those of healthy slices; no training by gradients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.precision import whole_float32
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.features.extractor import (
    VARIANTS,
    Extractor,
    check_weights,
    learn_without_weights,
    pyramid_of,
)
from uad_methods.parts.features.memory import coreset, nearest_distances
from uad_methods.parts.features.patches import PatchFeatures
from uad_methods.parts.features.positions import at_positions, brain_cells, draw_positions, slice_map
from uad_methods.parts.features.pyramid import Pyramid, check_stages
from uad_methods.parts.images.square import to_square
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.weights import load_into


@dataclass
class PatchCore(TorchMethod):
    """Distance of patch features to the nearest entry of a memory of healthy ones (Roth et al. 2022).

    Anomaly map: the squared distance of each position, bilinearly resized to the slice and smoothed. Positions without
    brain take part neither in the memory nor in the map.

    The paper's network has ImageNet weights, which you provide: --set patchcore.weights=wide_resnet50_2-95faca4d.pth.
    The variant `resnet18` takes those of a ResNet-18. Variants without external weights: `self`, a ResNet-18 that is
    first trained to fill in hidden squares of the healthy training slices, and `random`.

    Hyper-parameters:
        extractor: the network: "wide_resnet50", or the variant's name.
        weights: file of its weights.
        sha256: digest of the file, 8 digits or more; not needed where the file name ends in it.
        side: side of the square to which slices are resized, in pixels.
        stages: of the network, counted from 1, whose feature maps are used.
        width: channels of the first stage of `self` and `random`.
        patch: side of the neighbourhood that is pooled to a feature, in positions of each map.
        dims: length of the features of one modality.
        vectors: features of healthy slices that are drawn at most, equally many from each slice; one of each where
            there are more slices.
        share: of the drawn features, the share that the coreset keeps.
        k: neighbours over which the distance is averaged.
        sigma: of the Gaussian that smooths the map, in pixels of the square; 0 for none.
        batch: slices at once while features are drawn, and in the training of `self`.
        self_steps: training steps of `self`.
    """

    extractor: Extractor = "wide_resnet50"
    weights: str = ""
    sha256: str = ""
    side: int = 224
    stages: tuple[int, ...] = (2, 3)
    width: int = 64
    patch: int = 3
    dims: int = 1024
    vectors: int = 200_000
    share: float = 0.1
    k: int = 1
    sigma: float = 4.0
    batch: int = 8
    self_steps: int = 2_000

    limits: ClassVar[Limits] = {
        **LIMITS, "patch": (1, 15), "dims": (2, 65_536), "vectors": (1, 1e9), "share": (1e-6, 1), "k": (1, 1000),
        "sigma": (0, 100),
    }  # fmt: skip
    paper: ClassVar[str] = "Roth et al. 2022, CVPR, arXiv 2106.08265"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = VARIANTS
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 32, "stages": (1, 2), "width": 4, "dims": 16, "vectors": 200, "sigma": 1.0, "batch": 4, "self_steps": 3,
    }  # fmt: skip

    def __post_init__(self) -> None:
        """Raise UsageError for combinations that are neither the paper's method nor a variant."""
        check_weights("patchcore", self.extractor, self.weights)
        if not check_stages(self.stages, 3) or self.dims % len(self.stages):
            what = f"patchcore.stages is {self.stages} and patchcore.dims {self.dims}"
            hint = "stages are rising numbers from 1 to 3, and dims is a multiple of their number"
            raise UsageError(what, hint=hint)
        if self.side % 2 ** (self.stages[-1] + 1) or not self.side or not self.patch % 2:
            hint = "side is a multiple of 4 for stage 1, 8 for 2, 16 for 3; patch is odd"
            raise UsageError(f"patchcore.side is {self.side}, patchcore.patch {self.patch}", hint=hint)

    def seen(self) -> tuple[str, ...]:
        """("imagenet",) where weights are given."""
        return ("imagenet",) if self.weights else ()

    def build(self) -> "FeatureMemory":
        """Network: 24,862,528 frozen weights up to the third stage of the WideResNet-50-2."""
        pyramid = pyramid_of(self.extractor, self.stages, self.width)
        return FeatureMemory(pyramid, self.patch, self.dims, (self.size_, self.channels_ * self.dims))

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Fill the memory with a coreset of features of `train`."""
        self.size_ = 0
        self.begin(train, ctx)
        net, stack = self._net, SliceStack(train, ctx)
        if self.weights:
            self.weights_ = load_into(net.pyramid.resnet, self.weights, self.sha256)
        sizes = self.side, self.batch, self.self_steps
        learn_without_weights(net.pyramid, self.extractor, stack, ctx, sizes)
        with torch.no_grad(), whole_float32():
            drawn = self._draw(stack, ctx)
            kept = coreset(drawn, max(1, round(self.share * len(drawn))), ctx.torch_rng("coreset"))
        net.memory = drawn[kept].contiguous()
        self.drawn_, self.size_ = len(drawn), len(kept)

    def _draw(self, stack: SliceStack, ctx: Context) -> torch.Tensor:
        """Features (n, d) at random positions with brain, at most `vectors` or one of each slice."""
        each, parts = max(1, self.vectors // len(stack)), []
        for first in range(0, len(stack), self.batch):
            batch = stack.take(np.arange(first, min(first + self.batch, len(stack))))
            counts, rng = [each] * len(batch.image), ctx.torch_rng("positions", first)
            index, inside = draw_positions(self._cells(batch.brain), counts, rng)
            parts.append(at_positions(self._net(to_square(batch.image, self.side)), index)[inside])
        return torch.cat(parts)

    def _cells(self, brain: torch.Tensor) -> torch.Tensor:
        return brain_cells(brain, self.side, self._net.pyramid.strides[0])

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Squared distance to the memory, at least 0 (X, Y, Z), higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(scan, ctx, self._distances)

    def _distances(self, batch: Batch) -> torch.Tensor:
        net, cells = self._net, self._cells(batch.brain)
        features = net(to_square(batch.image, self.side)).movedim(1, -1).flatten(0, 2)
        distances = nearest_distances(features, net.memory, self.k).view(cells.shape)
        return slice_map(distances, cells, batch.brain, self.side, self.sigma)

    @property
    def _net(self) -> "FeatureMemory":
        assert isinstance(self.net_, FeatureMemory)
        return self.net_


class FeatureMemory(nn.Module):
    """Slices (n, C, side, side) -> patch features (n, C dims, x, y); `memory`: features (`size`) of healthy slices."""

    memory: torch.Tensor

    def __init__(self, pyramid: Pyramid, patch: int, dims: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.pyramid = pyramid
        self.patches = PatchFeatures(pyramid.channels, patch, dims)
        self.register_buffer("memory", torch.zeros(size))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.patches(self.pyramid(images))
        return features.reshape(len(images), -1, *features.shape[-2:])
