"""DISYRE: a network that removes synthetic anomalies of known strength; the map is what it removes from a scan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from uad_bench import Component, Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts import strength
from uad_methods.parts.batches import Batches
from uad_methods.parts.images.network_grid import from_network, to_network
from uad_methods.parts.images.reconstruction import reconstruction
from uad_methods.parts.images.square import to_square
from uad_methods.parts.images.windows import blended
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.ddpmpp.unet import DDPMPlusPlus, Plan, plan_of
from uad_methods.parts.training.moving_average import train_averaged
from uad_methods.parts.training.synthetic.corruption import Anomalies, Corrupted
from uad_methods.parts.training.synthetic.tissues import centroids
from uad_methods.parts.training.synthetic.views import random_views

SAMPLED = 200  # training slices whose intensities give the tissues


@dataclass
class DISYRE(TorchMethod):
    """Synthetic restoration (DISYRE v2, Naval Marimont et al. 2024), with network and training of UAD-IMAG.

    A time-conditioned U-Net learns to restore healthy patches from synthetic anomalies, given their strength as a time
    index: 99 for none, 0 for the strongest. At test time the slice itself is restored with several times. The anomaly
    map is the mean over times and modalities of |x - D(x, t)|, on the intensity scale [-1, 1], times the brain's share
    of the slice. The shapes of the anomalies are our own: a third of the published ones are masks without a licence.

    Variants: `minmax` matches smallest and largest value of foreign texture as the authors' code does, where UAD-IMAG
    matches means; `noncausal` has attention over all pixels; `undamped` omits the brain's share.

    Hyper-parameters:
        side: side of the square to which slices are resized, in pixels; 0 keeps their size.
        patch: side of the square that the network sees. Lengths of the anomalies scale with it.
        base, multipliers, blocks, attention, dropout, dropped, causal: of the U-Net, see `Plan`.
        time_scale: factor of the time index, 0 to 99, before the sinusoids of the time embedding.
        matching: of foreign texture to the intensities that it replaces, by their mean or their extremes.
        tissues: classes of intensity, some of which an anomaly makes brighter or darker.
        augment: random deformation and change of intensities of training patches, see `random_views`.
        times: time indices at test time, at equal distances from 99 downwards.
        overlap: stride of windows at test time, as a fraction of `patch` (published as overlap).
        damped: whether maps are multiplied by the brain's share of the slice.
        weight_decay: of AdamW.
        decay: of the exponential moving average of the weights, which scores; smaller in the first steps.
        batch_size: windows per pass at test time; "auto" for as many as fit in memory.
    """

    side: int = 0
    patch: int = 128
    base: int = 64
    multipliers: tuple[int, ...] = (1, 2, 2, 4, 4)
    blocks: tuple[int, ...] = (1, 1, 2, 4, 2)
    attention: tuple[int, ...] = (3, 4)
    dropout: float = 0.1
    dropped: tuple[int, ...] = (4,)
    causal: bool = True
    time_scale: float = 1.0
    matching: Literal["mean", "minmax"] = "mean"
    tissues: int = 5
    augment: bool = True
    times: int = 4
    overlap: float = 0.25
    damped: bool = True
    lr: float = 1e-4
    weight_decay: float = 0.01
    batch: int = 64
    steps: int = 100_000
    decay: float = 0.9999
    batch_size: int | Literal["auto"] = "auto"

    limits: ClassVar[Limits] = {
        **LIMITS, "patch": (8, 4096), "base": (4, 4096), "time_scale": (0, 1e6), "tissues": (1, 64),
        "times": (1, strength.TIMES), "overlap": (0.01, 1), "batch_size": (1, 1e6),
    }  # fmt: skip
    paper: ClassVar[str] = "Naval Marimont et al. 2024, arXiv 2407.06635"
    track: ClassVar[str] = "synthetic"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "minmax": {"matching": "minmax"},
        "noncausal": {"causal": False},
        "undamped": {"damped": False},
    }
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 16, "patch": 16, "base": 8, "multipliers": (1, 2), "blocks": (1, 1), "attention": (1,), "dropped": (1,),
        "times": 2, "lr": 1e-3, "batch": 4, "steps": 4,
    }  # fmt: skip

    def __post_init__(self) -> None:
        """Raise UsageError for sizes of which no network can be built, and for patches that it does not take."""
        plan = self._plan
        multiple = max(4, plan.multiple)
        if self.patch % multiple:
            what = f"disyre.patch is {self.patch}, which is no multiple of {multiple}"
            raise UsageError(what, hint="every level of the network halves the patch")

    @property
    def _plan(self) -> Plan:
        return plan_of(self, "disyre")

    def build(self) -> DDPMPlusPlus:
        """Network: 39,252,353 weights with one modality and the defaults."""
        return DDPMPlusPlus(self._plan, self.channels_)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on patches of slices of `train` and keep the moving average of the weights."""
        net, stack = self.begin(train, ctx), SliceStack(train, ctx)
        if ctx.device != "cpu":  # the layout of a GPU's matrix units
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        anomalies = self.anomalies(stack)

        def loss_at(step: int) -> torch.Tensor:
            clean, corrupted = self.examples(stack, anomalies, step, ctx)
            return self.loss(net, clean, corrupted, ctx)

        self.net_ = train_averaged(self, net, self.steps, loss_at, ctx)

    def anomalies(self, stack: SliceStack) -> Anomalies:
        """The generator of anomalies, with the tissues' intensities in at most 200 training slices."""
        some = stack.spread(SAMPLED)
        image, brain = some.image.cpu().numpy(), some.brain.cpu().numpy()
        found = [centroids(channel[brain & (channel > 0)], self.tissues) for channel in image.swapaxes(0, 1)]
        return Anomalies(self.matching, torch.from_numpy(np.stack(found)).to(some.image.device))

    def examples(
        self, stack: SliceStack, anomalies: Anomalies, step: int, ctx: Context
    ) -> tuple[torch.Tensor, Corrupted]:
        """Healthy patches (n, C, patch, patch) in [0, 1] of a training step, and the same with anomalies.

        The foreign texture of a slice comes from another slice of the stack. Random draws depend only on the run's
        seed and `step`.
        """
        rng, total = ctx.rng("slices", step), len(stack)
        chosen = rng.choice(total, self.batch, replace=self.batch > total)
        others = (chosen + 1 + rng.integers(max(total - 1, 1), size=self.batch)) % total
        both = stack.take(np.concatenate([chosen, others]))
        image, brain = both.image, both.brain
        if self.side:
            image = to_square(image, self.side)
            brain = to_square(brain[:, None].float(), self.side)[:, 0] > 0.5
        draws = ctx.torch_rng("anomalies", step)
        patches, masks = random_views(image.clamp(0, 1), brain, self.patch, draws, augment=self.augment)
        (clean, foreign), (inside, foreign_inside) = patches.chunk(2), masks.chunk(2)
        return clean, anomalies.corrupt(clean, inside, foreign, foreign_inside, draws)

    def loss(self, net: nn.Module, clean: torch.Tensor, corrupted: Corrupted, ctx: Context) -> torch.Tensor:
        """Mean of (D(x', t) - x)^2 over all pixels on the intensity scale [-1, 1]: a scalar."""
        at = strength.times_of(corrupted.strength) * self.time_scale
        with ctx.autocast(on_cpu=True):
            restored: torch.Tensor = net(2 * corrupted.image - 1, at)
        return (restored.float() - (2 * clean - 1)).square().mean()

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Mean absolute difference (X, Y, Z), at least 0, higher = more anomalous; 0 outside the brain mask."""
        self.net_.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self.score_slices(scan, ctx, partial(self._map, scan, ctx))

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """The mean over times of the restored scans, one component per modality."""

        def mean(batch: Batch) -> torch.Tensor:
            total = torch.stack(list(self._restorations(self._network_input(batch.image), ctx))).mean(dim=0)
            grid = self._on_the_grid(total.flatten(0, 1), scan)
            return (grid.view(*total.shape[:2], *scan.shape[:2]) + 1) / 2

        return reconstruction(self, scan, ctx, mean)

    def _map(self, scan: Scan, ctx: Context, batch: Batch) -> torch.Tensor:
        """Anomaly map (n, X, Y)."""
        slices = self._network_input(batch.image)
        maps = torch.zeros_like(slices[:, 0])
        for restored in self._restorations(slices, ctx):
            maps += (restored - slices).abs().mean(dim=1) / self.times
        maps = self._on_the_grid(maps, scan) * batch.brain
        return maps * batch.brain.float().mean(dim=(1, 2), keepdim=True) if self.damped else maps

    def _restorations(self, slices: torch.Tensor, ctx: Context) -> Iterator[torch.Tensor]:
        """Restored slices (n, C, x, y) in [-1, 1] for each of the times."""
        self._batches = getattr(self, "_batches", None) or Batches(self.batch_size, ctx.device)
        stride = max(1, round(self.overlap * self.patch))
        for t in strength.scored_times(self.times):
            yield blended(slices, self.patch, stride, partial(self._restored, t))

    def _restored(self, t: int, windows: torch.Tensor) -> torch.Tensor:
        """Restored windows (m, C, patch, patch) in [-1, 1]."""

        def predict(part: slice) -> torch.Tensor:
            some = windows[part]
            found: torch.Tensor = self.net_(
                some, torch.full((len(some),), t * self.time_scale, device=some.device)
            )
            return found.float()

        return self._batches.run(len(windows), predict)

    def _network_input(self, images: torch.Tensor) -> torch.Tensor:
        """Slices (n, C, x, y) in [-1, 1], padded on all sides with background, -1, to at least a patch."""
        slices = to_network(images.clamp(0, 1), self.side, 1)
        x, y = (max(0, self.patch - size) for size in slices.shape[-2:])
        return functional.pad(slices, (y // 2, y - y // 2, x // 2, x - x // 2), value=-1.0)

    def _on_the_grid(self, maps: torch.Tensor, scan: Scan) -> torch.Tensor:
        """Maps (n, x, y) of padded slices on the grid of the scan, (n, X, Y)."""
        sizes = (self.side, self.side) if self.side else scan.shape[:2]
        x, y = (max(0, self.patch - size) // 2 for size in sizes)
        return from_network(maps[:, x:, y:], scan.shape[:2], self.side)
