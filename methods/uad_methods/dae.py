"""DAE: a U-Net that removes blobs of noise from healthy slices; what it removes from a clean one is anomalous."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch

from uad_bench import Component, Context, Scan, SliceStack, TorchMethod
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.images.reconstruction import reconstruction
from uad_methods.parts.images.residual import eroded, median_2d, residual
from uad_methods.parts.networks.unet import UNet
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.noise import coarse_noise

EPOCH = 32  # steps: the learning rate changes once in so many
BOX = 5  # pixels, side of the paper's erosion and median
DARK = 0.01  # at most so much over all channels is background, where the paper has no brain mask


@dataclass
class DAE(TorchMethod):
    """Trained to take coarse Gaussian noise off healthy slices; scored without noise, |x - f(x)|.

    Blobs of about a lesion's size are what makes it work; noise in single pixels does not. The deviation of the
    noise is absolute, so intensities must lie in about [0, 1].

    noise: deviation of the coarse numbers. cells: of the coarse grid along the longer side of a slice, the
    most sensitive of all. width: channels at the top. cosine: steps in which the learning rate falls from `lr`
    to 0; in as many it rises again, and so on. clip: limit of the gradient's norm. foreground: where there is
    noise and loss, the brain mask, or the paper's channel sum above 0.01. filtered: the paper's own erosion of
    the foreground and 2D median, for protocols that have none. positive: only what is too bright. checked:
    validation slices that choose among weights, always under the same noise.
    """

    lr: float = 1e-4
    weight_decay: float = 1e-5
    batch: int = 16
    steps: int = 67_200
    cosine: int = 3_200
    clip: float = 0.5
    noise: float = 0.2
    cells: int = 16
    width: int = 64
    foreground: Literal["brain", "intensity"] = "brain"
    filtered: bool = False
    positive: bool = False
    checked: int = 64

    paper: ClassVar[str] = "Kascenas et al. 2022, MIDL"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "published": {"foreground": "intensity", "filtered": True},
        "positive": {"positive": True},
    }
    tiny: ClassVar[Mapping[str, Any]] = {"width": 8, "batch": 4, "steps": 4, "checked": 4}

    def build(self) -> UNet:
        """The network: 7.70 M weights for `width` 64, whatever the modalities."""
        return UNet(self.channels_, self.width)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train`; the weights that clean slices of `val` best are kept."""
        net, stack = self.begin(train, ctx), SliceStack(train, ctx)
        opt = torch.optim.Adam(net.parameters(), self.lr, weight_decay=self.weight_decay, amsgrad=True)
        held_out = SliceStack(val, ctx, name="val").spread(self.checked)
        held_out_noise = self._noise(held_out, "val", ctx)

        def validation_loss() -> float:
            return float(self.loss(held_out, held_out_noise, ctx))

        every = min(self.cosine, self.steps // 10)  # at every turn of the learning rate, in a full training
        for step in ctx.steps(self.steps, net=net, opt=opt, validate=validation_loss, every=every):
            batch = stack.batch(step, self.batch)
            loss = self.loss(batch, self._noise(batch, step, ctx), ctx)
            ctx.log(loss=loss)
            for group in opt.param_groups:
                group["lr"] = self._rate(step)
            descend(opt, loss, self.clip)

    def loss(self, batch: Batch, noise: torch.Tensor, ctx: Context) -> torch.Tensor:
        """Mean of (f(x + n) - x)^2 over all pixels, those outside the foreground counting as 0: a scalar."""
        with ctx.autocast():
            denoised: torch.Tensor = self.net_(batch.image + noise)
        return ((denoised.float() - batch.image) ** 2 * self._foreground(batch)).mean()

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """What is cleaned away from the scan as it is (X, Y, Z), at least 0; 0 outside the brain."""
        return self.score_slices(scan, ctx, self._residual)

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """What the score is the distance to: the scan as it was cleaned."""
        return reconstruction(self, scan, ctx, lambda batch: self.net_(batch.image))

    def _residual(self, batch: Batch) -> torch.Tensor:
        error = residual(batch, self.net_(batch.image), positive=self.positive)
        if not self.filtered:
            return error
        return median_2d(error * eroded(self._foreground(batch)[:, 0], BOX), BOX)

    def _noise(self, batch: Batch, key: int | str, ctx: Context) -> torch.Tensor:
        """Noise for `batch`, 0 outside the foreground; a pure function of the run's seed and `key`."""
        count, channels, x, y = batch.image.shape
        across, along = ctx.rng("roll", key).integers((x, y))
        shift = int(across), int(along)
        blobs = coarse_noise(count, channels, (x, y), self.cells, shift, ctx.torch_rng("noise", key))
        return self.noise * blobs * self._foreground(batch)

    def _foreground(self, batch: Batch) -> torch.Tensor:
        """Bool (n, 1, X, Y)."""
        if self.foreground == "intensity":
            return batch.image.sum(dim=1, keepdim=True) > DARK
        return batch.brain[:, None]

    def _rate(self, step: int) -> float:
        """The learning rate at `step`: a cosine that falls to 0 in `cosine` steps, and goes on."""
        return 0.5 * self.lr * (1 + math.cos(math.pi * (step // EPOCH * EPOCH) / self.cosine))
