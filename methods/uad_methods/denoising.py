"""Base class of the diffusion methods: noise, training of the denoiser, and scoring of whole volumes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.batches import Batches
from uad_methods.parts.images.network_grid import from_network, to_network
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.diffusion_unet import HEAD_WIDTH, DiffusionUNet
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.draws import Kind, noise_fields, one_slice_per_volume
from uad_methods.parts.training.moving_average import MovingAverage

TIMESTEPS = 1000  # T in all papers of this family

Noise = Callable[[int], torch.Tensor]  # timestep -> noise fields (n, C, X, Y) of the slices of a volume


@dataclass
class Denoising(TorchMethod):
    """Base class of methods that train a U-Net to denoise slices. Derive, and write `loss` and `restore`.

    Networks receive slices in [-1, 1], background -1, padded with background to sides that can be halved.

    Hyper-parameters:
        noise: "simplex", 2D simplex noise of six octaves as published; "stationary", the same with independent
            octaves; "simplex3d", planes of 3D simplex noise; or "gaussian".
        wavelength: of the first octave of simplex noise, in pixels of the network's input.
        fields: one noise field for all slices of a training batch or a test volume, as published ("batch"), or
            one for each slice ("slice").
        draw: a training batch has one random slice of each of its volumes, every volume once per epoch, as
            published ("volume"), or slices drawn uniformly from all ("slice").
        side: side of the square to which slices are resized, in pixels; 0 keeps their size.
        widths, blocks, groups, attention: of the U-Net, see `DiffusionUNet`.
        clip: limit of the gradient's norm; 0 for none.
        average: keep an exponential moving average of the weights.
        decay: of that average, per step.
        checked: number of validation slices on which the best weights are selected, always with the same
            noise; 0 keeps the last weights.
        batch_size: images per pass at test time; "auto" for as many as fit in memory.
    """

    noise: Kind = "simplex"
    wavelength: float = 64.0
    fields: Literal["batch", "slice"] = "batch"
    draw: Literal["volume", "slice"] = "volume"
    side: int = 0
    widths: tuple[int, ...] = (128, 256, 256)
    blocks: int = 3
    groups: int = 32
    attention: tuple[int, ...] = ()
    lr: float = 1e-4
    batch: int = 32
    steps: int = 19_200
    clip: float = 0.0
    average: bool = False
    decay: float = 0.9999
    checked: int = 64
    batch_size: int | Literal["auto"] = "auto"

    limits: ClassVar[Limits] = LIMITS

    def __post_init__(self) -> None:
        """Raise UsageError for sizes of which no network can be built."""
        if self.groups < 1 or not self.widths or any(width % self.groups for width in self.widths):
            raise UsageError(f"widths are {self.widths}", hint=f"give multiples of `groups`, {self.groups}")
        attention_widths = [
            self.widths[-1],
            *(width for level, width in enumerate(self.widths) if level in self.attention),
        ]
        if any(width > HEAD_WIDTH and width % HEAD_WIDTH for width in attention_widths):
            hint = f"levels with attention need at most {HEAD_WIDTH} channels, or a multiple of it"
            raise UsageError(f"widths are {self.widths}", hint=hint)
        if self.wavelength <= 0:
            raise UsageError(f"wavelength is {self.wavelength}", hint="give a number of pixels")
        if self.batch_size != "auto" and self.batch_size < 1:
            raise UsageError(f"batch_size is {self.batch_size}", hint='give 1 or more, or "auto"')

    def build(self) -> nn.Module:
        """Denoiser for `channels_` modalities."""
        return self.unet()

    def unet(self, **options: Any) -> DiffusionUNet:
        """U-Net with the method's sizes; `options` are further arguments of `DiffusionUNet`."""
        sizes: dict[str, Any] = {"groups": self.groups, "attention": self.attention, **options}
        return DiffusionUNet(self.channels_, self.widths, self.blocks, **sizes)

    def loss(self, net: nn.Module, clean: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Loss, a scalar, of slices (n, C, X, Y) in [-1, 1]. Random draws depend only on the run's seed and `key`."""
        raise NotImplementedError

    def restore(self, clean: torch.Tensor, noise: Noise, passes: Batches) -> torch.Tensor:
        """Restored slices (n, C, X, Y) in [-1, 1] of all slices `clean` of a volume, of the same shape and range.

        noise: timestep -> noise fields for the slices.
        passes: runs the network in batches that fit in memory.
        """
        raise NotImplementedError

    def error(self, clean: torch.Tensor, restored: torch.Tensor) -> torch.Tensor:
        """Anomaly map (n, X, Y), at least 0: the mean over modalities of |x - x_hat| on the scan's intensity scale."""
        return (clean - restored.float()).abs().mean(dim=1) / 2

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train` and keep the weights with the lowest denoising loss on slices of `val`."""
        net, stack = self.begin(train, ctx), SliceStack(train, ctx)
        if ctx.device != "cpu":  # the layout of a GPU's matrix units; training on a CPU is slower with it
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.pretrain(stack, ctx)
        opt = torch.optim.Adam(net.parameters(), self.lr)
        average = MovingAverage(net, self.decay) if self.average else None
        state: dict[str, Any] = {"net": net, "opt": opt, **({"average": average} if average else {})}
        validate = self._validation(average.module if average else net, val, ctx) if self.checked else None
        for step in ctx.steps(self.steps, validate=validate, **state):
            images = self.augment(self.training_batch(stack, step, ctx), step, ctx)
            loss = self.loss(net, self.network_input(images), step, ctx)
            ctx.log(loss=loss)
            descend(opt, loss, self.clip)
            if average:
                average.update(net)
        self.net_ = average.module if average else net

    def pretrain(self, stack: SliceStack, ctx: Context) -> None:
        """A training phase before that of the denoiser. The default does nothing."""

    def augment(self, batch: Batch, step: int, ctx: Context) -> torch.Tensor:
        """Training images (n, C, X, Y) of a batch. The default returns them unchanged."""
        return batch.image

    def training_batch(self, stack: SliceStack, step: int, ctx: Context) -> Batch:
        """Slices of a training step, drawn as `draw` says."""
        if self.draw == "slice":
            return stack.batch(step, self.batch)
        return stack.take(one_slice_per_volume(stack.counts, step, self.batch, ctx))

    def _validation(self, net: nn.Module, val: Sequence[Scan], ctx: Context) -> Callable[[], float]:
        """Function that returns the mean loss on `checked` slices of `val`, with the same draws at every call."""
        held_out = SliceStack(val, ctx, name="val").spread(self.checked)
        parts = torch.split(self.network_input(held_out.image), self.batch)

        def loss() -> float:
            losses = [self.loss(net, part, ("val", i), ctx) * len(part) for i, part in enumerate(parts)]
            return float(torch.stack(losses).sum()) / sum(map(len, parts))

        return loss

    def training_noise(self, like: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Noise of the shape of a training batch; depends only on the run's seed and `key`."""
        count = 1 if self.fields == "batch" else len(like)
        shape = like.shape[1:]
        rng = ctx.rng("noise", key)
        return noise_fields(self.noise, count, shape, rng, ctx.device, self.wavelength).expand_as(like)

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Residual (X, Y, Z), at least 0, higher = more anomalous; 0 outside the brain mask."""
        self.net_.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self.score_slices(scan, ctx, partial(self._residual, scan, ctx), size=scan.shape[2])

    def _residual(self, scan: Scan, ctx: Context, batch: Batch) -> torch.Tensor:
        clean = self.network_input(batch.image)

        def noise(t: int) -> torch.Tensor:
            """Noise for the whole depth of the volume, so that a slice's noise does not depend on the other slices."""
            count = 1 if self.fields == "batch" else scan.shape[2]
            rng = ctx.rng("noise", scan.case_id, t)
            fields = noise_fields(self.noise, count, clean.shape[1:], rng, ctx.device, self.wavelength)
            return fields.expand(scan.shape[2], *clean.shape[1:])[batch.z]

        self._batches = getattr(self, "_batches", None) or Batches(self.batch_size, ctx.device)
        with ctx.autocast():  # bf16 on a GPU, as in training; float32 on a CPU
            restored = self.restore(clean, noise, self._batches)
        return self._to_grid(self.error(clean, restored), batch.image) * batch.brain

    def network_input(self, images: torch.Tensor) -> torch.Tensor:
        """Slices (n, C, X, Y) in [0, 1] as the networks receive them: in [-1, 1], with sides that can be halved."""
        return to_network(images, self.side, 2 ** (len(self.widths) - 1))

    def _to_grid(self, maps: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Maps (n, x, y) of the network's input back on the grid of `images` (n, C, X, Y): (n, X, Y)."""
        x, y = images.shape[-2:]
        return from_network(maps, (x, y), self.side)
