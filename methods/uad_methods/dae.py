"""DAE: denoising U-Net; the anomaly map is what the network removes from the unmodified slice."""

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
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.unet import UNet
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.noise import coarse_noise

EPOCH = 32  # steps; the learning rate changes once per epoch
BOX = 5  # pixels, side of the paper's erosion and median filter
DARK = 0.01  # the paper, without brain mask, takes pixels with at most this sum over channels for background


@dataclass
class DAE(TorchMethod):
    """U-Net trained to remove coarse Gaussian noise from healthy slices (Kascenas et al. 2022).

    Anomaly map: the mean over modalities of |x - f(x)|, without noise at test time. The noise must have
    structures of about a lesion's size; pixel-wise noise does not work. Its standard deviation is absolute,
    so intensities must lie in about [0, 1].

    Variants: `published` restricts noise, loss and map as the paper does, for protocols without brain mask
    and post-processing; `positive` scores only voxels brighter than expected, max(x - f(x), 0).

    Hyper-parameters:
        cosine: steps in which the learning rate falls from `lr` to 0; it then rises in as many steps, and so
            on.
        clip: limit of the gradient's norm.
        noise: standard deviation of the random numbers on the coarse grid.
        cells: cells of the coarse grid along the longer side of a slice; the most sensitive hyper-parameter.
        width: channels of the first level.
        foreground: region of noise and loss, the brain mask or the paper's sum over channels above 0.01.
        filtered: the paper's own erosion of the foreground and 2D median filter.
        positive: see the variant.
        checked: number of validation slices on which the best weights are selected, always with the same
            noise.
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

    limits: ClassVar[Limits] = LIMITS
    paper: ClassVar[str] = "Kascenas et al. 2022, MIDL"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "published": {"foreground": "intensity", "filtered": True},
        "positive": {"positive": True},
    }
    tiny: ClassVar[Mapping[str, Any]] = {"width": 8, "batch": 4, "steps": 4, "checked": 4}

    def build(self) -> UNet:
        """Network with 7.70 M weights for `width` 64, whatever the number of modalities."""
        return UNet(self.channels_, self.width)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train` and keep the weights with the lowest denoising loss on slices of `val`."""
        net, stack = self.begin(train, ctx), SliceStack(train, ctx)
        opt = torch.optim.Adam(net.parameters(), self.lr, weight_decay=self.weight_decay, amsgrad=True)
        held_out = SliceStack(val, ctx, name="val").spread(self.checked)
        held_out_noise = self._noise(held_out, "val", ctx)

        def validation_loss() -> float:
            return float(self.loss(held_out, held_out_noise, ctx))

        every = min(
            self.cosine, self.steps // 10
        )  # in a full training, at every minimum and maximum of the learning rate
        for step in ctx.steps(self.steps, net=net, opt=opt, validate=validation_loss, every=every):
            batch = stack.batch(step, self.batch)
            loss = self.loss(batch, self._noise(batch, step, ctx), ctx)
            ctx.log(loss=loss)
            for group in opt.param_groups:
                group["lr"] = self._rate(step)
            descend(opt, loss, self.clip)

    def loss(self, batch: Batch, noise: torch.Tensor, ctx: Context) -> torch.Tensor:
        """Mean of (f(x + n) - x)^2 over all pixels, 0 outside the foreground: a scalar."""
        with ctx.autocast():
            denoised: torch.Tensor = self.net_(batch.image + noise)
        return ((denoised.float() - batch.image) ** 2 * self._foreground(batch)).mean()

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Residual of the unmodified scan (X, Y, Z), at least 0, higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(scan, ctx, self._residual)

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """Denoised scan, one component per modality."""
        return reconstruction(self, scan, ctx, lambda batch: self.net_(batch.image))

    def _residual(self, batch: Batch) -> torch.Tensor:
        error = residual(batch, self.net_(batch.image), positive=self.positive)
        if not self.filtered:
            return error
        return median_2d(error * eroded(self._foreground(batch)[:, 0], BOX), BOX)

    def _noise(self, batch: Batch, key: int | str, ctx: Context) -> torch.Tensor:
        """Noise (n, C, X, Y) for `batch`, 0 outside the foreground; depends only on the run's seed and `key`."""
        count, channels, x, y = batch.image.shape
        across, along = ctx.rng("roll", key).integers((x, y))
        shift = int(across), int(along)
        blobs = coarse_noise(count, channels, (x, y), self.cells, shift, ctx.torch_rng("noise", key))
        return self.noise * blobs * self._foreground(batch)

    def _foreground(self, batch: Batch) -> torch.Tensor:
        """Bool (n, 1, X, Y): where noise is added and the loss is computed."""
        if self.foreground == "intensity":
            return batch.image.sum(dim=1, keepdim=True) > DARK
        return batch.brain[:, None]

    def _rate(self, step: int) -> float:
        """Learning rate at `step`: a cosine from `lr` to 0 in `cosine` steps and back, constant within 32 steps."""
        return 0.5 * self.lr * (1 + math.cos(math.pi * (step // EPOCH * EPOCH) / self.cosine))
