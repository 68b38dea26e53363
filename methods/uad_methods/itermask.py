"""IterMask2: the hidden part of a slice is filled and unhidden where that succeeds; the map is the last error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import nn

from uad_bench import Component, Context, Scan, SliceStack, TorchMethod
from uad_bench.method.precision import whole_float32
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.batches import Batches
from uad_methods.parts.images.network_grid import from_network, to_network
from uad_methods.parts.images.reconstruction import by_modality
from uad_methods.parts.iterative_masks.high_frequencies import high_frequencies
from uad_methods.parts.iterative_masks.random_masks import random_masks
from uad_methods.parts.iterative_masks.shrinking import At, Shrunk, largest_share, shrink, squared_error
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.ddpmpp.unet import DDPMPlusPlus, Plan, plan_of
from uad_methods.parts.training.draws import noise_fields
from uad_methods.parts.training.moving_average import train_averaged

CHUNK = 64  # slices per pass where the threshold is found


class Slices(NamedTuple):
    """Slices on the network's grid. image, condition: (n, C, x, y) in about [-3, 3]; brain: bool (n, x, y)."""

    image: torch.Tensor
    condition: torch.Tensor
    brain: torch.Tensor


@dataclass
class IterMask(TorchMethod):
    """Iterative shrinking of a mask in 2D (Liang et al. 2024), with network and settings of UAD-IMAG.

    The first network predicts a slice from its high frequencies; the brain pixels with the largest errors are hidden.
    The second one fills them from the visible part and the high frequencies; what it fills well is unhidden, until a
    mask hardly shrinks. The anomaly map is the squared error of its last output, in the whole brain, on the intensity
    scale [-3, 3]; of several modalities the mean.

    Variant `stop1`: masks shrink until they lose less than 1 % in a turn, as in the paper, at most 100 times.

    Hyper-parameters:
        side: side of the square to which slices are resized, in pixels; 0 keeps their size.
        radius: of the low frequencies, in samples of a spectrum of 224 pixels; at other sizes the wavelength is kept.
        base, multipliers, blocks, attention, dropout, dropped, causal: of both U-Nets, see `Plan`.
        start_share: brain pixels that are hidden at first.
        healthy_share: hidden pixels of healthy validation slices whose error exceeds the threshold.
        stop_share: a mask that lost a smaller share of its pixels in a turn is the last one.
        turns: most turns of a slice.
        checked: validation slices from which the threshold comes.
        first_steps, masked_steps: training steps of the two networks.
        weight_decay: of AdamW.
        decay: of the exponential moving average of the weights, which scores; smaller in the first steps.
        batch_size: slices per pass at test time; "auto" for as many as fit in memory.
    """

    side: int = 0
    radius: float = 15.0
    base: int = 32
    multipliers: tuple[int, ...] = (1, 1, 1, 2, 3, 4)
    blocks: tuple[int, ...] = (1, 1, 1, 2, 4, 2)
    attention: tuple[int, ...] = (4, 5)
    dropout: float = 0.1
    dropped: tuple[int, ...] = (4, 5)
    causal: bool = True
    start_share: float = 0.6
    healthy_share: float = 0.2
    stop_share: float = 0.1
    turns: int = 30
    checked: int = 1024
    lr: float = 1e-4
    weight_decay: float = 0.01
    batch: int = 128
    first_steps: int = 100_000
    masked_steps: int = 100_000
    decay: float = 0.9999
    batch_size: int | Literal["auto"] = "auto"

    limits: ClassVar[Limits] = {
        **LIMITS, "radius": (0, 1e4), "base": (4, 4096), "start_share": (1e-6, 1), "healthy_share": (0, 1),
        "stop_share": (0, 1), "turns": (1, 10_000), "checked": (1, 1e9), "first_steps": (1, 1e9),
        "batch_size": (1, 1e6),
    }  # fmt: skip
    paper: ClassVar[str] = "Liang et al. 2024, MICCAI, arXiv 2406.02422"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"stop1": {"stop_share": 0.01, "turns": 100}}
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 16, "base": 8, "multipliers": (1, 2), "blocks": (1, 1), "attention": (1,), "dropped": (1,), "turns": 3,
        "checked": 8, "lr": 1e-3, "batch": 4, "first_steps": 4, "masked_steps": 4,
    }  # fmt: skip

    def __post_init__(self) -> None:
        """Raise UsageError for sizes of which no network can be built."""
        _ = self._plan

    @property
    def _plan(self) -> Plan:
        return plan_of(self, "itermask", time=False, norm="batch", rescale=False)

    def build(self) -> nn.ModuleDict:
        """The two networks: 6,748,481 and 6,748,769 weights with one modality and the defaults."""
        inputs = {"first": self.channels_, "masked": 2 * self.channels_}
        return nn.ModuleDict({k: DDPMPlusPlus(self._plan, n, self.channels_) for k, n in inputs.items()})

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train both networks on slices of `train`, keep averages of their weights, and find the threshold on `val`."""
        self.begin(train, ctx)
        self._channels_last()
        stack = SliceStack(train, ctx)
        self._fit_network("first", self.first_steps, stack, ctx)
        self._fit_network("masked", self.masked_steps, stack, ctx)
        self.threshold_ = self._healthy_threshold(SliceStack(val, ctx, name="val").spread(self.checked), ctx)

    def _fit_network(self, name: str, steps: int, stack: SliceStack, ctx: Context) -> None:
        """Train one network and replace it by the average of its weights."""

        def loss_at(step: int) -> torch.Tensor:
            return self.loss(name, self._network_slices(stack.batch(step, self.batch)), step, ctx)

        self._nets[name] = train_averaged(self, self._nets[name], steps, loss_at, ctx, name)

    def loss(self, name: str, slices: Slices, key: object, ctx: Context) -> torch.Tensor:
        """Mean squared error over all pixels of the network "first" or "masked": a scalar.

        Masks and noise depend only on the run's seed and `key`.
        """
        given = slices.condition
        if name == "masked":
            given = self._hidden(slices, random_masks(slices.brain, ctx.rng("mask", key)), key, ctx)
        with ctx.autocast(on_cpu=True):
            predicted: torch.Tensor = self._nets[name](given)
        return (predicted.float() - slices.image).square().mean()

    def _hidden(self, slices: Slices, mask: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Input of the second network (n, 2 C, x, y) with noise in `mask` (n, x, y), drawn on the device."""
        draws = ctx.torch_rng("noise", key)
        noise = torch.randn(slices.image.shape, generator=draws, device=slices.image.device)
        return masked_input(slices, mask, noise)

    def _healthy_threshold(self, held_out: Batch, ctx: Context) -> float:
        """Squared error that a share of `healthy_share` of the pixels of random masks in healthy slices exceed."""
        self.net_.eval()
        errors = []
        with torch.no_grad(), whole_float32():  # as at test time
            for first in range(0, len(held_out.image), CHUNK):
                part = slice(first, first + CHUNK)
                piece = Batch(held_out.image[part], held_out.brain[part], held_out.z[part])
                slices = self._network_slices(piece)
                mask = random_masks(slices.brain, ctx.rng("mask", "val", first))
                given = self._hidden(slices, mask, ("val", first), ctx)
                errors.append(squared_error(slices.image, self._predict("masked", given, ctx))[mask].cpu())
        return exceeded_by(torch.cat(errors).numpy(), self.healthy_share)

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Squared error (X, Y, Z), at least 0, higher = more anomalous; 0 outside the brain mask."""
        self._channels_last()
        return self.score_slices(scan, ctx, partial(self._map, scan, ctx), size=scan.shape[2])

    def _map(self, scan: Scan, ctx: Context, batch: Batch) -> torch.Tensor:
        slices = self._network_slices(batch)
        error = squared_error(slices.image, self._shrunk(scan, slices, batch.z, ctx).image)
        return from_network(error, scan.shape[:2], self.side) * batch.brain

    def _shrunk(self, scan: Scan, slices: Slices, z: torch.Tensor, ctx: Context) -> Shrunk:
        """Filled slices and masks of the last turns.

        Noise is drawn for the whole depth of the volume, so that a slice's noise does not depend on the other slices.
        """

        def fill(mask: torch.Tensor, turn: int, at: At) -> torch.Tensor:
            rng = ctx.rng("noise", scan.case_id, turn)
            noise = noise_fields("gaussian", scan.shape[2], slices.image.shape[1:], rng, ctx.device)
            some = Slices(*(part[at] for part in slices))
            return self._predict("masked", masked_input(some, mask, noise[z[at]]), ctx)

        guess = self._predict("first", slices.condition, ctx)
        mask = largest_share(squared_error(slices.image, guess), slices.brain, self.start_share)
        return shrink(slices.image, mask, fill, self.threshold_, self.stop_share, self.turns)

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """The last filled slices on the scan's scale, one component per modality, and the last mask."""

        def explain(batch: Batch) -> dict[str, torch.Tensor]:
            slices = self._network_slices(batch)
            image, mask = self._shrunk(scan, slices, batch.z, ctx)
            grid = from_network((image.flatten(0, 1) + 3) / 6, scan.shape[:2], self.side)
            rebuilt = grid.view(*image.shape[:2], *scan.shape[:2]) * batch.brain[:, None]
            return {
                "rebuilt": rebuilt,
                "mask": from_network(mask.float(), scan.shape[:2], self.side) * batch.brain,
            }

        found = self.component_slices(scan, ctx, explain, size=scan.shape[2])
        if not found:
            return {}
        rebuilt = by_modality("reconstruction", scan, found["rebuilt"], "intensity")
        return {**rebuilt, "mask": Component(found["mask"], "value")}

    def _predict(self, name: str, given: torch.Tensor, ctx: Context) -> torch.Tensor:
        """Output (n, C, x, y) of the network "first" or "masked" in passes that fit in memory."""

        def part(some: slice) -> torch.Tensor:
            out: torch.Tensor = self._nets[name](given[some])
            return out.float()

        self._batches = getattr(self, "_batches", None) or Batches(self.batch_size, ctx.device)
        return self._batches.run(len(given), part)

    def _network_slices(self, batch: Batch) -> Slices:
        """Slices and their condition, resized and padded as the networks receive them."""
        image = 3 * to_network(batch.image, self.side, self._plan.multiple)
        brain = batch.brain[:, None].float()
        brain = to_network(brain, self.side, self._plan.multiple)[:, 0] > 0  # more than half of the pixel
        return Slices(image, high_frequencies(image, self.radius), brain)

    def _channels_last(self) -> None:
        """The layout of a GPU's matrix units, which saves a sixth of a step on a CPU, too."""
        self.net_.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def _nets(self) -> nn.ModuleDict:
        assert isinstance(self.net_, nn.ModuleDict)
        return self.net_


def masked_input(slices: Slices, mask: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Slices with `noise` (n, C, x, y) in the `mask` (n, x, y), then their condition: (n, 2 C, x, y)."""
    return torch.cat([torch.where(mask[:, None], noise, slices.image), slices.condition], dim=1)


def exceeded_by(errors: FloatArray, share: float) -> float:
    """The smallest of the errors (m,) that at most a `share` of them exceed; 0 where there is none."""
    return float(np.quantile(errors, 1 - share, method="inverted_cdf")) if errors.size else 0.0
