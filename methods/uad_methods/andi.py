"""ANDi: one-step restorations from many noise levels; the map is the geometric mean of their squared errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn

from uad_bench import Component, Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.slices import Batch
from uad_bench.method.transfer import sent
from uad_bench.types import FloatArray
from uad_methods.parts import log_snr
from uad_methods.parts.batches import Batches
from uad_methods.parts.images.geometric_mean import GeometricMean
from uad_methods.parts.images.network_grid import from_network, to_network
from uad_methods.parts.images.reconstruction import reconstruction
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.ddpmpp.unet import DDPMPlusPlus, Plan, plan_of
from uad_methods.parts.training.draws import noise_fields
from uad_methods.parts.training.moving_average import train_averaged
from uad_methods.parts.training.noise import pyramid_noise

LEVELS = 1000  # of the time axis [0, 1]; a step of the reverse process is one of them


@dataclass
class ANDi(TorchMethod):
    """Aggregated normative diffusion (Frotscher et al. 2023), with network and settings of UAD-IMAG.

    A diffusion model is trained on healthy slices with pyramid noise. At test time a slice is noised, with Gaussian
    noise, to each of many levels; the network's denoising step is compared with the one towards the slice itself. The
    anomaly map is the geometric mean over levels of the squared difference, of several modalities the largest.

    Variants: `gaussian` trains with Gaussian noise; `noncausal` has attention over all pixels, where the published
    network attends to earlier pixels in raster order only.

    Hyper-parameters:
        side: side of the square to which slices are resized, in pixels; 0 keeps their size.
        base, multipliers, blocks, attention, dropout, dropped, causal: of the U-Net, see `Plan`.
        noise: of the training, "pyramid" (Gaussian noise summed over several resolutions) or "gaussian".
        discount: amplitude of each resolution relative to the one before.
        per_item: pyramid noise has standard deviation 1 in each item, not in the batch as a whole as published.
        time_scale: factor of t in [0, 1] before the sinusoids of the time embedding; published 1, with which only the
            fastest of them change.
        start, stop, every: levels at test time, t = start / 1000 and every `every`-th lower one above stop / 1000.
        floor: smallest squared error that counts, on the intensity scale [-1, 1].
        weight_decay: of AdamW.
        decay: of the exponential moving average of the weights, which scores; smaller in the first steps.
        batch_size: slices per pass at test time; "auto" for as many as fit in memory.
    """

    side: int = 0
    base: int = 32
    multipliers: tuple[int, ...] = (1, 1, 1, 2, 3, 4)
    blocks: tuple[int, ...] = (1, 1, 1, 2, 4, 2)
    attention: tuple[int, ...] = (4, 5)
    dropout: float = 0.1
    dropped: tuple[int, ...] = (4, 5)
    causal: bool = True
    noise: Literal["pyramid", "gaussian"] = "pyramid"
    discount: float = 0.9
    per_item: bool = False
    time_scale: float = 1.0
    start: int = 125
    stop: int = 25
    every: int = 1
    floor: float = 1e-12
    lr: float = 1e-4
    weight_decay: float = 0.01
    batch: int = 128
    steps: int = 15_000
    decay: float = 0.9999
    batch_size: int | Literal["auto"] = "auto"

    limits: ClassVar[Limits] = {
        **LIMITS, "base": (4, 4096), "discount": (0, 1), "time_scale": (0, 1e6), "stop": (0, LEVELS - 1),
        "floor": (1e-30, 1), "batch_size": (1, 1e6),
    }  # fmt: skip
    paper: ClassVar[str] = "Frotscher et al. 2023, arXiv 2312.01904"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "gaussian": {"noise": "gaussian"},
        "noncausal": {"causal": False},
    }
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 16, "base": 8, "multipliers": (1, 2), "blocks": (1, 1), "attention": (1,), "dropped": (1,), "every": 20,
        "lr": 1e-3, "batch": 4, "steps": 4,
    }  # fmt: skip

    def __post_init__(self) -> None:
        """Raise UsageError for sizes of which no network can be built, and for no level at test time."""
        _ = self._plan
        if self.stop >= self.start:
            what = f"andi.start is {self.start} and andi.stop {self.stop}, which leaves no noise level"
            raise UsageError(what, hint="stop is below start")

    @property
    def _plan(self) -> Plan:
        return plan_of(self, "andi")

    def build(self) -> DDPMPlusPlus:
        """Network: 7,537,025 weights with one modality and the defaults."""
        return DDPMPlusPlus(self._plan, self.channels_)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train` and keep the moving average of the weights."""
        net, stack = self.begin(train, ctx), SliceStack(train, ctx)
        if ctx.device != "cpu":  # the layout of a GPU's matrix units
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

        def loss_at(step: int) -> torch.Tensor:
            clean = self._network_input(stack.batch(step, self.batch).image)
            return self.loss(net, clean, step, ctx)

        self.net_ = train_averaged(self, net, self.steps, loss_at, ctx)

    def loss(self, net: nn.Module, clean: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Mean of (n_hat - n)^2 over all pixels, n_hat the noise that follows from the network's v: a scalar.

        clean: slices (n, C, X, Y) in [-1, 1]. t is uniform in [0, 1]. Random draws depend only on the run's seed and
            `key`.
        """
        t = ctx.rng("t", key).random(len(clean))
        alpha_sigma = log_snr.alpha_sigma(log_snr.cosine_log_snr(t, max(clean.shape[-2:])))
        host = torch.from_numpy(np.stack([t * self.time_scale, *alpha_sigma]).astype(np.float32))
        at, alpha, sigma = sent([host], ctx.device)[0][..., None, None, None]
        noise = self._training_noise(clean, key, ctx)
        noised = alpha * clean + sigma * noise
        with ctx.autocast(on_cpu=True):
            v: torch.Tensor = net(noised, at[:, 0, 0, 0])
        return (log_snr.noise_from_v(noised, v.float(), alpha, sigma) - noise).square().mean()

    def _training_noise(self, like: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Noise of the shape of a training batch."""
        draws = ctx.torch_rng("noise", key)
        if self.noise == "gaussian":
            return torch.randn(like.shape, generator=draws, device=like.device)
        n, channels, x, y = like.shape
        rng = ctx.rng("pyramid", key)
        return pyramid_noise((n, channels, x, y), self.discount, rng, draws, per_item=self.per_item)

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Geometric mean of squared errors (X, Y, Z), at least 0, higher = more anomalous; 0 outside the brain mask."""
        self.net_.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self.score_slices(scan, ctx, partial(self._map, scan, ctx), size=scan.shape[2])

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """The mean over noise levels of the restored scans, one component per modality."""

        def mean(batch: Batch) -> torch.Tensor:
            total = torch.zeros_like(self._network_input(batch.image))
            for restored in self._restorations(scan, batch, ctx):
                total += restored
            grid = from_network(total.flatten(0, 1) / len(self._times), scan.shape[:2], self.side)
            return (grid.view(*total.shape[:2], *scan.shape[:2]) + 1) / 2

        return reconstruction(self, scan, ctx, mean, size=scan.shape[2])

    def _map(self, scan: Scan, ctx: Context, batch: Batch) -> torch.Tensor:
        """Anomaly map (n, X, Y): the weights of the two means are the same in all pixels, so they are applied last."""
        clean, mean = self._network_input(batch.image), GeometricMean(self.floor)
        for restored in self._restorations(scan, batch, ctx):
            mean.add((restored - clean).square())
        weights = log_snr.mean_weight(self._times, self._times - 1 / LEVELS, max(clean.shape[-2:]))
        maps = mean.result().amax(dim=1) * float(np.exp(np.log(weights**2).mean()))
        return from_network(maps, scan.shape[:2], self.side) * batch.brain

    def _restorations(self, scan: Scan, batch: Batch, ctx: Context) -> Iterator[torch.Tensor]:
        """Restored slices (n, C, x, y) in [-1, 1] from each noise level.

        Noise is drawn for the whole depth of the volume, so that a slice's noise does not depend on the other slices.
        """
        clean = self._network_input(batch.image)
        alphas, sigmas = log_snr.alpha_sigma(log_snr.cosine_log_snr(self._times, max(clean.shape[-2:])))
        self._batches = getattr(self, "_batches", None) or Batches(self.batch_size, ctx.device)
        for t, alpha, sigma in zip(self._times.tolist(), alphas.tolist(), sigmas.tolist(), strict=True):
            rng = ctx.rng("noise", scan.case_id, t)
            fields = noise_fields("gaussian", scan.shape[2], clean.shape[1:], rng, ctx.device)
            noised = alpha * clean + sigma * fields[batch.z]
            v = self._batches.run(len(noised), partial(self._predict, noised, t))
            yield log_snr.clean_from_v(noised, v, alpha, sigma).clamp(-1, 1)

    def _predict(self, noised: torch.Tensor, t: float, part: slice) -> torch.Tensor:
        """The network's v for a part of the noised slices."""
        some = noised[part]
        at = torch.full((len(some),), t * self.time_scale, device=some.device)
        v: torch.Tensor = self.net_(some, at)
        return v.float()

    @property
    def _times(self) -> log_snr.Values:
        """Times of the noise levels at test time, falling."""
        return np.arange(self.start, self.stop, -self.every) / LEVELS

    def _network_input(self, images: torch.Tensor) -> torch.Tensor:
        return to_network(images, self.side, self._plan.multiple)
