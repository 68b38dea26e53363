"""AE: dense convolutional autoencoder; the anomaly map is the reconstruction error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from uad_bench import Component, Context, Scan, SliceStack, TorchMethod
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.images.reconstruction import reconstruction
from uad_methods.parts.images.residual import absolute_error, residual
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.autoencoder import Autoencoder
from uad_methods.parts.training.descent import descend


@dataclass
class AE(TorchMethod):
    """Autoencoder trained with an L1 loss on healthy slices (Baur et al. 2021).

    Anomaly map: the mean over modalities of |x - x_hat|. The code of 128 numbers is too small to represent a
    lesion, so the reconstruction is expected to be healthy. Baur et al. keep only the positive part of the
    residual and bright voxels (FLAIR); here the residual is absolute, and smoothing and erosion are left to
    the protocol's post-processing.

    Hyper-parameters:
        lr: learning rate of Adam.
        batch: slices per step.
        steps: training steps; the published code leaves the number of epochs open.
        dropout: probability, on the code; in the published code that on the expanded vector is inactive.
        checked: number of validation slices on which the best weights are selected.
    """

    lr: float = 1e-4
    batch: int = 32
    steps: int = 15_000
    dropout: float = 0.1
    checked: int = 64

    limits: ClassVar[Limits] = LIMITS
    paper: ClassVar[str] = "Baur et al. 2021, arXiv 2004.03271"
    version: ClassVar[int] = 2  # initialisation after Glorot; dropout on the code alone
    tiny: ClassVar[Mapping[str, Any]] = {"batch": 4, "steps": 4, "checked": 4}

    def build(self) -> Autoencoder:
        """Network for slices (X, Y) of `shape_`."""
        return Autoencoder(self.channels_, (self.shape_[0], self.shape_[1]), self.dropout, gaussian=False)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train` and keep the weights with the lowest loss on slices of `val`."""
        net, stack = self.begin(train, ctx), SliceStack(train, ctx)
        opt = torch.optim.Adam(net.parameters(), self.lr, betas=(0.5, 0.999))
        held_out = SliceStack(val, ctx, name="val").spread(self.checked).image

        def validation_loss() -> float:
            return float(self.loss(held_out, ctx))

        for step in ctx.steps(self.steps, net=net, opt=opt, validate=validation_loss):
            loss = self.loss(stack.batch(step, self.batch).image, ctx)
            ctx.log(loss=loss)
            descend(opt, loss)

    def loss(self, images: torch.Tensor, ctx: Context) -> torch.Tensor:
        """|x - x_hat| summed over each slice of `images` (n, C, X, Y), averaged over slices: a scalar."""
        with ctx.autocast():
            output = self.net_(images)
        return absolute_error(images, output.image).sum(dim=(1, 2, 3)).mean()

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Residual (X, Y, Z), at least 0, higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(scan, ctx, self._residual)

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """Reconstruction of the scan, one component per modality."""
        return reconstruction(self, scan, ctx, lambda batch: self.net_(batch.image).image)

    def _residual(self, batch: Batch) -> torch.Tensor:
        return residual(batch, self.net_(batch.image).image)
