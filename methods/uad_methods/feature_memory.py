"""Feature memory: distance of each position to the nearest healthy features, anywhere or at the same place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.precision import whole_float32
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.features.components import Components
from uad_methods.parts.features.encoders import DinoTokens, Encoder, FilterBank, RawPatches, ResNetTaps
from uad_methods.parts.features.filling import train_by_filling
from uad_methods.parts.features.memory import coreset
from uad_methods.parts.features.placed_memory import PlacedMemory
from uad_methods.parts.features.positions import at_positions, brain_cells, draw_positions, shares, slice_map
from uad_methods.parts.features.pyramid import check_stages, settle_statistics
from uad_methods.parts.images.square import to_square
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.weights import load_into

#: Slices whose statistics a network with random weights gets.
SETTLED = 64
#: Encoders without a network, which take slices on their own grid; the others take squares of `side` pixels.
ON_THE_GRID = ("patch", "filters")


@dataclass
class FeatureMemory(TorchMethod):
    """Distance of features to the nearest of a memory of healthy ones (AnomalyDINO, Damm et al. 2025, and relatives).

    Anomaly map: one minus the cosine to the nearest entry, or the Euclidean distance to it, resized to the slice.
    Nothing is fitted but the memory. Positions without brain take part neither in the memory nor in the map.

    The paper's encoder has weights of DINOv2, which you provide: --set feature-memory.weights=FILE. Variants without
    external weights: `self`, a ResNet-18 that is first trained to fill in hidden squares of healthy training slices;
    `random`; `patch`, raw intensities around each pixel; `filters`, a fixed bank of Gaussians and their derivatives.

    Hyper-parameters:
        encoder: the network: "dinov2", or the variant's name.
        weights: file of its weights.
        sha256: digest of the file, 8 digits or more; not needed where the file name ends in it.
        side: side of the square to which slices are resized for a network, in pixels; `patch` and `filters` need none.
        stages: of the ResNet-18 of `self` and `random`, counted from 1, whose feature maps are used.
        width: channels of its first stage.
        patch: side of the patches of `patch`, in pixels.
        centre: whether the mean of each of these patches is removed.
        pca: principal components of healthy features that are kept, at most; 0 for the features themselves.
        standardise: whether each number is divided by its standard deviation over healthy features.
        metric: "cosine" or "l2".
        where: "anywhere", or "near" for entries of nearby slices and places only.
        slices: below and above that are searched if `where` is "near".
        radius_mm: in the plane, of the same search.
        vectors: features of healthy slices that are drawn at most, 2 or more, in proportion to a slice's brain area.
        reduce: how `size` of the drawn features are kept: "none" (all), "random" or "coreset".
        size: entries that "random" and "coreset" keep, at most.
        k: nearest entries over which one minus the cosine, or the squared distance before its root, is averaged.
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
        "radius_mm": (0, 200), "vectors": (2, 1e9), "size": (1, 1e9), "k": (1, 1000), "sigma": (0, 100),
    }  # fmt: skip
    paper: ClassVar[str] = "Damm et al. 2025, WACV, arXiv 2405.14529"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "self": {"encoder": "self"},
        "random": {"encoder": "random"},
        "patch": {"encoder": "patch", "metric": "l2", "pca": 16, "where": "near", "sigma": 0.0},
        "filters": {"encoder": "filters", "metric": "l2", "standardise": True, "where": "near", "sigma": 0.0},
    }  # fmt: skip
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 56, "width": 4, "patch": 5, "vectors": 300, "size": 100, "batch": 4, "self_steps": 3,
    }  # fmt: skip

    def __post_init__(self) -> None:
        """Raise UsageError for combinations that are neither the published method nor a variant."""
        external = self.encoder == "dinov2"
        if external and not self.weights:
            what = "feature-memory needs weights of DINOv2's ViT-S/14, and none were given"
            variants = "feature-memory:self, :random, :patch or :filters"
            raise UsageError(what, hint=f"give a file, --set feature-memory.weights=FILE, or run {variants}")
        if self.weights and not external:
            what = f"feature-memory.weights would be ignored by feature-memory:{self.encoder}"
            raise UsageError(what, hint="drop feature-memory.weights, or run feature-memory")
        if not check_stages(self.stages, 3) or not self.patch % 2:
            what = f"feature-memory.stages is {self.stages}, patch is {self.patch}"
            raise UsageError(what, hint="stages are rising numbers from 1 to 3, and patch is odd")
        stride = 14 if external else 2 ** (self.stages[-1] + 1)
        if self.encoder not in ON_THE_GRID and (not self.side or self.side % stride):
            hint = "above 0, a multiple of 14 for DINOv2, of 4, 8, 16 for stage 1, 2, 3 of a ResNet"
            raise UsageError(f"feature-memory.side is {self.side}", hint=hint)

    def seen(self) -> tuple[str, ...]:
        """("lvd-142m",), the images of DINOv2, where weights are given."""
        return ("lvd-142m",) if self.weights else ()

    def build(self) -> "MemoryNet":
        """Encoder, map of its features and memory; 22,056,576 frozen weights of DINOv2."""
        encoder = self._encoder()
        numbers = self.channels_ * encoder.channels
        kept = min(self.pca, numbers) or numbers
        components = Components(numbers, kept, self.standardise, unit=self.metric == "cosine")
        return MemoryNet(encoder, components, PlacedMemory(self.size_, kept))

    def _encoder(self) -> Encoder:
        if self.encoder == "dinov2":
            return DinoTokens()
        if self.encoder == "patch":
            return RawPatches(self.patch, self.centre)
        return FilterBank() if self.encoder == "filters" else ResNetTaps(self.stages, self.width)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Fill the memory with features of `train`."""
        self.size_, self.spacing_ = 0, float(np.mean(train[0].spacing[:2]))
        self.begin(train, ctx)
        net, stack = self._net, SliceStack(train, ctx)
        self._settle_encoder(stack, ctx)
        net.eval()
        with torch.no_grad(), whole_float32():
            drawn, places = self._draw(stack, ctx)
            net.components.settle(drawn)
            vectors = net.components(drawn)
            kept = self._kept(vectors, ctx)
            net.memory.fill(vectors[kept], places[kept])
        self.drawn_, self.size_ = len(drawn), len(kept)
        self._prepare_search()

    def _settle_encoder(self, stack: SliceStack, ctx: Context) -> None:
        """Given weights, or what an encoder without them learns from healthy slices."""
        encoder = self._net.encoder
        if isinstance(encoder, DinoTokens):
            self.weights_ = load_into(encoder.vit, self.weights, self.sha256)
        elif isinstance(encoder, ResNetTaps) and self.encoder == "self":
            train_by_filling(encoder.pyramid, stack, ctx, (self.side, self.batch, self.self_steps))
        elif isinstance(encoder, ResNetTaps):
            settle_statistics(encoder.pyramid, self._resized(stack.spread(SETTLED).image))

    def _draw(self, stack: SliceStack, ctx: Context) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (n, d) at random positions with brain and their places (n, 3), at most `vectors`."""
        counts = shares(stack.brains.sum(dim=(1, 2)), self.vectors)
        features, places = [], []
        for first in range(0, len(stack), self.batch):
            some = range(first, min(first + self.batch, len(stack)))
            batch, rng = stack.take(some), ctx.torch_rng("positions", first)
            cells = self._cells(batch.brain)
            index, inside = draw_positions(cells, [counts[i] for i in some], rng)
            features.append(at_positions(self._net.encoder(self._resized(batch.image)), index)[inside])
            high = cells.shape[-1]
            place = torch.stack([batch.z[:, None].expand_as(index), index // high, index % high], dim=2)
            places.append(place[inside])
        return torch.cat(features), torch.cat(places)

    def _kept(self, vectors: torch.Tensor, ctx: Context) -> torch.Tensor:
        """Indices of the entries of the memory."""
        n, rng = len(vectors), ctx.torch_rng("kept")
        if self.reduce == "none" or n <= self.size:
            return torch.arange(n, device=vectors.device)
        if self.reduce == "coreset":
            return coreset(vectors, self.size, rng)
        return torch.randperm(n, generator=rng, device=vectors.device)[: self.size]

    def _prepare_search(self) -> None:
        """Index the entries by their places, if `where` is "near"."""
        if self.where != "near":
            return
        stride, (wide, high) = self._net.encoder.stride, self.shape_[:2]
        x, y = (-(-(self._side or pixels) // stride) for pixels in (wide, high))
        pixel = self.spacing_ * max(wide, high) / self._side if self._side else self.spacing_
        self._net.memory.search_near((self.shape_[2], x, y), self.slices, self.radius_mm / (pixel * stride))

    def load(self, folder: Path, ctx: Context) -> None:
        """Read the memory, and prepare the search."""
        super().load(folder, ctx)
        self._prepare_search()

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Distance to the memory, at least 0 (X, Y, Z), higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(scan, ctx, self._distances, self.batch)

    def _distances(self, batch: Batch) -> torch.Tensor:
        net, maps = self._net, self._net.encoder(self._resized(batch.image))
        squared = net.memory.squared_distances(net.components(maps.movedim(1, -1)), batch.z, self.k)
        values = squared / 2 if self.metric == "cosine" else squared.sqrt()
        return slice_map(values, self._cells(batch.brain), batch.brain, self._side, self.sigma)

    @property
    def _side(self) -> int:
        """Side of the square to which slices are resized; 0 where they keep their grid."""
        return 0 if self.encoder in ON_THE_GRID else self.side

    def _resized(self, images: torch.Tensor) -> torch.Tensor:
        return to_square(images, self._side) if self._side else images

    def _cells(self, brain: torch.Tensor) -> torch.Tensor:
        return brain_cells(brain, self._side, self._net.encoder.stride)

    @property
    def _net(self) -> "MemoryNet":
        assert isinstance(self.net_, MemoryNet)
        return self.net_


class MemoryNet(nn.Module):
    """An encoder, the linear map of its features, and a memory of mapped features."""

    def __init__(self, encoder: Encoder, components: Components, memory: PlacedMemory) -> None:
        super().__init__()
        self.encoder, self.components, self.memory = encoder, components, memory
