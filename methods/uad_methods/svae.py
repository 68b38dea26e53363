"""SVAE: VAE whose slice codes are combined along the volume. Re-implementation from the abstract only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from uad_bench import Component, Context, Scan, SliceStack, TorchMethod
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.images.reconstruction import reconstruction
from uad_methods.parts.images.residual import absolute_error, residual
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.autoencoder import (
    CODE,
    LOG_SIGMA,
    Output,
    decoder,
    encoder,
    pad_slices,
    plan,
    sample_code,
)
from uad_methods.parts.networks.sequence import Attention, Recurrence, Runs, random_runs, whole_volumes
from uad_methods.parts.training.descent import descend
from uad_methods.vae import kl_divergence

Between = Literal["transformer", "gru", "nothing"]


@dataclass
class SVAE(TorchMethod):
    """VAE with a sequence model over the slice codes of a volume (re-implementation from the abstract).

    The abstract of Behrendt et al. 2022 names recurrent networks, self-attention and about as many weights as
    the VAE; everything else is ours. Training uses runs of neighbouring slices, scoring whole volumes.
    Anomaly map: the mean over modalities of |x - x_hat|, decoded from the mean code.

    Variants: `gru`, a recurrent network instead of the transformer; `alone`, no sequence model.

    Hyper-parameters:
        between: sequence model of the slice codes.
        batch: runs of slices per step.
        window: slices per run.
        steps: training steps; the default trains on as many slices as the VAE's.
        dropout: probability, on the code, on the expanded vector and in the transformer.
        kl: weight of the KL term relative to the L1 loss summed over the slice.
        checked: number of validation volumes on which the best weights are selected.
    """

    between: Between = "transformer"
    lr: float = 1e-4
    batch: int = 4
    window: int = 32
    steps: int = 3_750
    dropout: float = 0.1
    kl: float = 1.0
    checked: int = 4

    limits: ClassVar[Limits] = LIMITS
    paper: ClassVar[str] = "Behrendt et al. 2022, MIDL short paper (re-implementation from abstract)"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "gru": {"between": "gru"},
        "alone": {"between": "nothing"},
    }
    tiny: ClassVar[Mapping[str, Any]] = {"batch": 2, "window": 4, "steps": 4, "checked": 2}

    def build(self) -> "SequenceVAE":
        """Network for volumes of `shape_`."""
        return SequenceVAE(self.channels_, self.shape_, self.dropout, self.between)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on runs of slices of `train` and keep the weights with the lowest loss on volumes of `val`."""
        net, stack = self.begin(train, ctx), SliceStack(train, ctx)
        opt = torch.optim.Adam(net.parameters(), self.lr, betas=(0.5, 0.999))
        held_out = SliceStack(val, ctx, name="val")
        volumes = whole_volumes(held_out, self.checked)

        def validation_loss() -> float:
            return float(self.loss(held_out, volumes, ctx))

        for step in ctx.steps(self.steps, net=net, opt=opt, validate=validation_loss):
            runs = random_runs(stack, self.batch, self.window, ctx.rng("runs", step))
            loss = self.loss(stack, runs, ctx)
            ctx.log(loss=loss)
            descend(opt, loss)

    def loss(self, stack: SliceStack, runs: Runs, ctx: Context) -> torch.Tensor:
        """The VAE's loss, |x - x_hat| summed over the slice plus KL, averaged over the slices of all runs: a scalar."""
        batch = stack.take(runs.slices)
        with ctx.autocast():
            output = self.net_(batch.image, batch.z, runs.lengths)
        error = absolute_error(batch.image, output.image).sum(dim=(1, 2, 3))
        return (error + self.kl * kl_divergence(output.mean.float(), output.log_sigma.float())).mean()

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Residual (X, Y, Z), at least 0, higher = more anomalous; 0 outside the brain mask. One pass per volume."""
        return self.score_slices(scan, ctx, self._residual, size=self.shape_[2])

    def _residual(self, batch: Batch) -> torch.Tensor:
        return residual(batch, self._reconstruct(batch))

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """Reconstruction of the scan, one component per modality."""
        return reconstruction(self, scan, ctx, self._reconstruct, size=self.shape_[2])

    def _reconstruct(self, batch: Batch) -> torch.Tensor:
        """Reconstruction (n, C, X, Y) of all slices of a volume."""
        rebuilt: torch.Tensor = self.net_(batch.image, batch.z, [len(batch.z)]).image
        return rebuilt


class SequenceVAE(nn.Module):
    """Convolutional VAE whose Gaussian slice codes (128 numbers) pass through a sequence model.

    The map before the dense layer has half of the VAE's channels, to compensate for the sequence model: 1.53
    M weights at 96 x 96 x 50, the VAE has 1.82 M. The sequence model's output is scaled by a weight that
    starts at 0, so training starts with independent slices.
    """

    def __init__(self, channels: int, shape: tuple[int, ...], dropout: float, between: Between) -> None:
        super().__init__()
        self.sizes = plan((shape[0], shape[1]), squeeze=16)
        self.encoder = encoder(channels, self.sizes)
        self.to_code = nn.Linear(self.sizes.size, CODE)
        self.between = _sequence_model(between, shape[2], dropout)
        self.loudness = nn.Parameter(torch.zeros(()))
        self.to_mean, self.to_log_sigma = nn.Linear(CODE, CODE), nn.Linear(CODE, CODE)
        self.drop = nn.Dropout(dropout)
        self.expand = nn.Linear(CODE, self.sizes.size)
        self.decoder = decoder(channels, self.sizes)

    def forward(self, images: torch.Tensor, z: torch.Tensor, lengths: list[int]) -> Output:
        """Reconstruct slices (N, C, X, Y) at heights `z` (N,), runs concatenated; `lengths` of the runs."""
        x, y = images.shape[-2:]
        codes = self.to_code(self.encoder(pad_slices(images, self.sizes)))
        if self.between is not None:
            codes = codes + self.loudness * self.between(codes, z, lengths)
        mean, log_sigma = self.to_mean(codes), self.to_log_sigma(codes).clamp(*LOG_SIGMA)
        code = sample_code(mean, log_sigma) if self.training else mean
        decoded = self.decoder(self.drop(self.expand(self.drop(code))))
        return Output(decoded[..., :x, :y], mean, log_sigma)


def _sequence_model(kind: Between, depth: int, dropout: float) -> nn.Module | None:
    if kind == "nothing":
        return None
    return Recurrence(CODE) if kind == "gru" else Attention(CODE, depth, dropout)
