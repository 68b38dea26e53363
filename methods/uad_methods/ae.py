"""AE: the dense convolutional autoencoder; what it cannot reconstruct is anomalous."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from uad_bench import Component, Context, Scan, SliceStack, TorchMethod
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.images.reconstruction import reconstruction
from uad_methods.parts.images.residual import absolute_error, residual
from uad_methods.parts.networks.autoencoder import Autoencoder
from uad_methods.parts.training.descent import descend


@dataclass
class AE(TorchMethod):
    """Trained on healthy slices with L1; at the test the code is too narrow to carry a lesion.

    The score is |x - x_hat|, the mean over modalities. Baur et al. keep its positive half and only bright
    voxels (FLAIR); here the sign is left open, and smoothing and erosion belong to the protocol.

    lr, batch: of Adam, and slices a step. steps: the published code leaves the number of epochs open.
    dropout: on the code and the expanded vector. checked: validation slices that choose among weights.
    """

    lr: float = 1e-4
    batch: int = 32
    steps: int = 15_000
    dropout: float = 0.1
    checked: int = 64

    paper: ClassVar[str] = "Baur et al. 2021, arXiv 2004.03271"
    tiny: ClassVar[Mapping[str, Any]] = {"batch": 4, "steps": 4, "checked": 4}

    def build(self) -> Autoencoder:
        """The network for slices (X, Y) of `shape_`."""
        return Autoencoder(self.channels_, (self.shape_[0], self.shape_[1]), self.dropout, gaussian=False)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train`; the weights with the lowest loss on slices of `val` are kept."""
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
        """Sum over a slice of |x - x_hat|, mean over slices (n, C, X, Y): a scalar."""
        with ctx.autocast():
            output = self.net_(images)
        return absolute_error(images, output.image).sum(dim=(1, 2, 3)).mean()

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """The residual (X, Y, Z), at least 0; 0 outside the brain."""
        return self.score_slices(scan, ctx, self._residual)

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """What the score is the distance to: the reconstruction."""
        return reconstruction(self, scan, ctx, lambda batch: self.net_(batch.image).image)

    def _residual(self, batch: Batch) -> torch.Tensor:
        return residual(batch, self.net_(batch.image).image)
