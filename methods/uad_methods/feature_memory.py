"""Feature memory: distance of each position to the nearest healthy features, anywhere or at the same place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.precision import whole_float32
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.features.encoders import DinoTokens, Encoder, FilterBank, RawPatches, ResNetTaps
from uad_methods.parts.features.filling import train_by_filling
from uad_methods.parts.features.memory import coreset, nearest_distances
from uad_methods.parts.features.near import NearMemory
from uad_methods.parts.features.pyramid import check_stages, settle_statistics
from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.images.square import from_square, to_square
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.weights import load_into

#: Slices whose statistics a network with random weights gets.
SETTLED = 64
#: Entries of the whole memory that a position without entries nearby is compared with.
ANCHORS = 256
#: Encoders that take slices as they are; the others take squares of `side` pixels.
ON_THE_GRID = ("patch", "filters")


@dataclass
class FeatureMemory(TorchMethod):
    """Distance of features to the nearest of a memory of healthy ones (AnomalyDINO, Damm et al. 2025, and relatives).

    Anomaly map: one minus the cosine, or the Euclidean distance, to the mean of the `k` nearest entries, resized to the
    slice. Nothing is fitted but the memory. Positions without brain take part neither in the memory nor in the map.

    The paper's encoder has weights of DINOv2, which you provide: --set feature-memory.weights=FILE. Variants without
    external weights: `self`, a ResNet-18 that is first trained to fill in hidden squares of healthy training slices;
    `random`; `patch`, raw intensities around each pixel; `filters`, a fixed bank of Gaussians and their derivatives.

    Hyper-parameters:
        encoder: the network: "dinov2", or the variant's name.
        weights: file of its weights.
        sha256: digest of the file, 8 digits or more; not needed where the file name ends in it.
        side: side of the square to which slices are resized, in pixels; 0 for encoders that take slices as they are.
        stages: of the ResNet-18 of `self` and `random`, counted from 1, whose feature maps are used.
        width: channels of its first stage.
        patch: side of the patches of `patch`, in pixels.
        centre: whether the mean of each of these patches is removed.
        pca: principal components of the healthy features that are kept; 0 for the features themselves.
        standardise: whether each number is divided by its standard deviation over healthy features.
        metric: "cosine" or "l2".
        where: "anywhere", or "near" for entries of nearby slices and places only.
        slices: below and above that are searched if `where` is "near".
        radius_mm: in the plane, of the same search.
        vectors: features of healthy slices that are drawn at most, equally many from each slice.
        reduce: how `size` of the drawn features are kept: "none" (all), "random" or "coreset".
        size: entries of the memory, at most.
        k: neighbours over which the distance is averaged.
        sigma: of the Gaussian that smooths the map, in pixels of the square or of the grid; 0 for none.
        batch: slices at once while features are drawn, and in the training of `self`.
        self_steps: training steps of `self`.
    """

    encoder: Literal["dinov2", "self", "random", "patch", "filters"] = "dinov2"
    weights: str = ""
    sha256: str = ""
    side: int = 448
    stages: tuple[int, ...] = (1, 2)
    width: int = 64
    patch: int = 7
    centre: bool = False
    pca: int = 0
    standardise: bool = False
    metric: Literal["cosine", "l2"] = "cosine"
    where: Literal["anywhere", "near"] = "anywhere"
    slices: int = 2
    radius_mm: float = 10.0
    vectors: int = 200_000
    reduce: Literal["none", "random", "coreset"] = "none"
    size: int = 20_000
    k: int = 1
    sigma: float = 4.0
    batch: int = 8
    self_steps: int = 2_000

    limits: ClassVar[Limits] = {
        **LIMITS, "side": (0, 2048), "patch": (1, 31), "pca": (0, 65_536), "slices": (0, 100),
        "radius_mm": (0, 200), "vectors": (1, 1e9), "size": (1, 1e9), "k": (1, 1000), "sigma": (0, 100),
    }  # fmt: skip
    paper: ClassVar[str] = "Damm et al. 2025, WACV, arXiv 2405.14529"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "self": {"encoder": "self"},
        "random": {"encoder": "random"},
        "patch": {"encoder": "patch", "side": 0, "metric": "l2", "pca": 16, "where": "near", "sigma": 0.0},
        "filters": {
            "encoder": "filters", "side": 0, "metric": "l2", "standardise": True, "where": "near", "sigma": 0.0,
        },
    }  # fmt: skip
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 56, "width": 4, "vectors": 300, "size": 100, "batch": 4, "self_steps": 3, "patch": 3, "pca": 4,
    }  # fmt: skip

    def __post_init__(self) -> None:
        """Raise UsageError for combinations that are neither the published method nor a variant."""
        external, on_grid = self.encoder == "dinov2", self.encoder in ON_THE_GRID
        if external and not self.weights:
            hint = (
                "give a file, --set feature-memory.weights=FILE, or run feature-memory:self, :random, :patch or "
                ":filters"
            )
            raise UsageError(
                "feature-memory needs weights of DINOv2's ViT-S/14, and none were given", hint=hint
            )
        if self.weights and not external:
            what = f"feature-memory.weights would be ignored by feature-memory:{self.encoder}"
            raise UsageError(what, hint="drop feature-memory.weights, or run feature-memory")
        least = 14 if external else 0 if on_grid else 2 ** (self.stages[-1] + 1) if self.stages else 1
        if (on_grid and self.side) or (not on_grid and (not self.side or self.side % least)):
            hint = "0 for patch and filters; a multiple of 14 for DINOv2, of 4, 8, 16 for stage 1, 2, 3 of a ResNet"
            raise UsageError(f"feature-memory.side is {self.side}", hint=hint)
        if not check_stages(self.stages, 3) or not self.patch % 2:
            hint = "stages are rising numbers from 1 to 3, and patch is odd"
            raise UsageError(f"feature-memory.stages is {self.stages}, patch is {self.patch}", hint=hint)

    def seen(self) -> tuple[str, ...]:
        """("lvd-142m",), the images of DINOv2, where weights are given."""
        return ("lvd-142m",) if self.weights else ()

    def build(self) -> "MemoryNet":
        """Encoder, map of its features and memory."""
        encoders = {"dinov2": DinoTokens, "filters": FilterBank}
        if self.encoder == "patch":
            encoder: Encoder = RawPatches(self.patch, self.centre)
        elif self.encoder in encoders:
            encoder = encoders[self.encoder]()
        else:
            encoder = ResNetTaps(self.stages, self.width)
        numbers = self.channels_ * encoder.channels
        return MemoryNet(encoder, numbers, min(self.pca, numbers) or numbers, self.size_)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Fill the memory with features of `train`."""
        self.size_, self.spacing_ = 0, float(np.mean(train[0].spacing[:2]))
        self.begin(train, ctx)
        net, stack = self._net, SliceStack(train, ctx)
        if isinstance(net.encoder, DinoTokens):
            self.weights_ = load_into(net.encoder.vit, self.weights, self.sha256)
        if isinstance(net.encoder, ResNetTaps) and self.encoder == "random":
            settle_statistics(net.encoder.pyramid, self._square(stack.spread(SETTLED).image))
        if isinstance(net.encoder, ResNetTaps) and self.encoder == "self":
            sizes = (self.side, self.batch, self.self_steps)
            train_by_filling(net.encoder.pyramid, stack, ctx, sizes)
        net.eval()
        with torch.no_grad(), whole_float32():
            drawn, places = self._draw(stack, ctx)
            net.settle(drawn, self.standardise)
            vectors = self._mapped(drawn)
            kept = self._kept(vectors, ctx)
            net.memory, net.places = vectors[kept].contiguous(), places[kept].contiguous()
        self.drawn_, self.size_ = len(drawn), len(kept)
        self._prepare_search()

    def _draw(self, stack: SliceStack, ctx: Context) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (n, d) at random positions with brain and their places (n, 3), at most `vectors`."""
        each = max(1, self.vectors // len(stack))
        features, places = [], []
        for first in range(0, len(stack), self.batch):
            batch = stack.take(np.arange(first, min(first + self.batch, len(stack))))
            maps = self._net.encoder(self._square(batch.image))
            inside = self._cells(batch.brain).flatten(1)
            rng = ctx.torch_rng("positions", first)
            keys = torch.rand(inside.shape, generator=rng, device=inside.device) * inside
            best = keys.topk(min(each, keys.shape[1]), dim=1)
            index, high = best.indices, maps.shape[-1]
            drawn = maps.flatten(2).gather(2, index[:, None].expand(-1, maps.shape[1], -1)).movedim(1, 2)
            place = torch.stack([batch.z[:, None].expand_as(index), index // high, index % high], dim=2)
            features.append(drawn[best.values > 0])
            places.append(place[best.values > 0])
        return torch.cat(features), torch.cat(places)

    def _kept(self, vectors: torch.Tensor, ctx: Context) -> torch.Tensor:
        """Indices of the entries of the memory."""
        n, rng = len(vectors), ctx.torch_rng("kept")
        if self.reduce == "none" or n <= self.size:
            return torch.arange(n, device=vectors.device)
        if self.reduce == "coreset":
            return coreset(vectors, self.size, rng)
        return torch.randperm(n, generator=rng, device=vectors.device)[: self.size]

    def _square(self, images: torch.Tensor) -> torch.Tensor:
        return to_square(images, self.side) if self.side else images

    def _cells(self, brain: torch.Tensor) -> torch.Tensor:
        """Brain masks (n, X, Y) -> 1 for positions (n, x, y) of the features with brain in their cell, else 0."""
        square = (self._square(brain[:, None].float()) > 0).float()
        return functional.max_pool2d(square, self._net.encoder.stride)[:, 0]

    def _mapped(self, features: torch.Tensor) -> torch.Tensor:
        """Features (..., d) -> entries (..., numbers): components, standardised, of length 1 for the cosine."""
        found = self._net.mapped(features)
        return functional.normalize(found, dim=-1) if self.metric == "cosine" else found

    def _prepare_search(self) -> None:
        """The index of nearby entries, and the entries that stand for the whole memory."""
        net, stride = self._net, self._net.encoder.stride
        longest = max(self.shape_[:2])
        pitch = self.spacing_ * stride * (longest / self.side if self.side else 1)
        x, y = (-(-(self.side or one) // stride) for one in self.shape_[:2])
        net.anchors = net.memory[:: max(1, len(net.memory) // ANCHORS)]
        if self.where == "near":
            grid, radius = (self.shape_[2], x, y), self.radius_mm / pitch
            net.near = NearMemory(net.memory, net.places, grid, self.slices, radius)

    def load(self, folder: Any, ctx: Context) -> None:
        """Read the memory, and prepare the search."""
        super().load(folder, ctx)
        self._prepare_search()

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Distance to the memory, at least 0 (X, Y, Z), higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(scan, ctx, self._distances)

    def _distances(self, batch: Batch) -> torch.Tensor:
        net, cells = self._net, self._cells(batch.brain)
        features = self._mapped(net.encoder(self._square(batch.image)).movedim(1, -1))
        squared = self._search(features, batch.z)
        values = squared / 2 if self.metric == "cosine" else squared.sqrt()
        if not self.side:
            return self._smoothed(torch.stack([values * cells, cells], dim=1)) * batch.brain
        pair, size = torch.stack([values * cells, cells], dim=1), (self.side, self.side)
        full = functional.interpolate(pair, size, mode="bilinear", align_corners=False)
        x, y = batch.image.shape[-2:]
        return from_square(self._smoothed(full), (x, y)) * batch.brain

    def _smoothed(self, pair: torch.Tensor) -> torch.Tensor:
        """Values times weights, and weights, (n, 2, x, y) -> smoothed means (n, x, y)."""
        smooth = gaussian_blur(pair, self.sigma) if self.sigma else pair
        return smooth[:, 0] / smooth[:, 1].clamp(min=1e-6)

    def _search(self, features: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Squared distances (n, x, y) of features (n, x, y, d)."""
        net, flat = self._net, features.flatten(0, 2)
        if net.near is None:
            return nearest_distances(flat, net.memory, self.k).view(features.shape[:3])
        found = net.near.distances(features.movedim(-1, 1), z, self.k)
        instead = nearest_distances(flat, net.anchors, self.k).view(found.shape)
        return torch.where(found.isinf(), instead, found)

    @property
    def _net(self) -> "MemoryNet":
        assert isinstance(self.net_, MemoryNet)
        return self.net_


class MemoryNet(nn.Module):
    """An encoder, the linear map of its features, and a memory of `size` mapped features with their places."""

    memory: torch.Tensor
    places: torch.Tensor
    shift: torch.Tensor
    basis: torch.Tensor

    def __init__(self, encoder: Encoder, numbers: int, kept: int, size: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("shift", torch.zeros(numbers))
        self.register_buffer("basis", torch.eye(numbers)[:, :kept].contiguous())
        self.register_buffer("memory", torch.zeros(size, kept))
        self.register_buffer("places", torch.zeros(size, 3, dtype=torch.int64))
        self.near: NearMemory | None = None
        self.anchors = torch.zeros(0, kept)

    def settle(self, features: torch.Tensor, standardise: bool) -> None:
        """Set the map from healthy features (n, d): the first principal components, divided by their deviations.

        With all components the axes stay those of the features. Without `standardise` and with all components the
        features are not changed.
        """
        numbers, kept = self.basis.shape
        basis = torch.eye(numbers, device=features.device)
        mean = features.mean(dim=0)
        if kept < numbers:
            basis = (
                torch.linalg.eigh((features - mean).double().T.cov()).eigenvectors.flip(1)[:, :kept].float()
            )
        if standardise:
            basis = basis / ((features - mean) @ basis).std(dim=0).clamp(min=1e-6)
        self.basis = basis.contiguous()
        self.shift = mean if kept < numbers or standardise else torch.zeros_like(mean)

    def mapped(self, features: torch.Tensor) -> torch.Tensor:
        """Features (..., d) -> (..., numbers)."""
        found: torch.Tensor = (features - self.shift) @ self.basis
        return found
