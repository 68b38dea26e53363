"""Patch2Loc as a method: sample patches, learn where they come from, score how badly that goes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import DataError
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.patch2loc.encoder_conv import ConvEncoder, plan
from uad_methods.patch2loc.encoder_resnet import LATENT, resnet_encoder
from uad_methods.patch2loc.exact import ExactLocator
from uad_methods.patch2loc.fast import adam, prepared, sample_static, usual_count
from uad_methods.patch2loc.half import HalfLocator
from uad_methods.patch2loc.locator import Locator, Variance
from uad_methods.patch2loc.loss import LossName, location_loss
from uad_methods.patch2loc.patches import brain_share
from uad_methods.patch2loc.sampling import Sample, sample_patches, sample_strided
from uad_methods.patch2loc.scoring import Box, Locate, brain_box, score_dense, score_patches

VARIANCE: Mapping[LossName, Variance] = {"beta_nll": "joint", "stirn": "apart", "mse": "fixed"}


@dataclass
class Patch2Loc(TorchMethod):
    """A network sees one axial patch and the height of its slice, and says where in the slice the patch was.

    The score of a pixel is the log squared error of its patch's predicted place plus the mean predicted
    log-variance. The default is the published network, evaluated patch by patch; variant `conv` is a network
    of our own whose dense scoring is exact. Lengths are in pixels, places in percent of the slice.

    patch: side; the paper's is 1/8 of a slice (24 of 192). slices: a step. candidates: patch centres drawn
    on them (resnet). brain: least share of brain in a training patch. schedule: of the learning rate. clip:
    limit of the gradient's norm, 0 for none. loss: beta_nll, its exponent `beta`; mse, without a variance;
    stirn, with one that cannot move the encoder. width: channels of the conv network before its first pool.
    checked: validation slices that choose among weights. scoring: number format of the published encoder at
    scoring; bf16 is a variant. compiled: train with compiled steps (published network, on a GPU).
    """

    network: Literal["resnet", "conv"] = "resnet"
    patch: int = 24
    steps: int = 15_000
    slices: int = 356
    candidates: int = 32_384
    brain: float = 0.2
    lr: float = 1e-2
    schedule: Literal["constant", "cosine"] = "constant"
    clip: float = 0.0
    loss: LossName = "beta_nll"
    beta: float = 0.5
    width: int = 32
    checked: int = 64
    scoring: Literal["fp32", "bf16"] = "fp32"
    compiled: bool = False

    paper: ClassVar[str] = "Baker and Brockmeier 2025, arXiv 2506.22504"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "conv": {"network": "conv"}, "bf16": {"network": "resnet", "scoring": "bf16"},
    }  # fmt: skip
    tiny: ClassVar[Mapping[str, Any]] = {
        "patch": 8, "steps": 4, "slices": 4, "candidates": 128, "lr": 1e-3, "width": 4, "checked": 2,
    }  # fmt: skip

    def build(self) -> Locator:
        """The network for `channels_` modalities: 11.85 M weights (resnet), or about 0.15 M (conv)."""
        variance = VARIANCE[self.loss]
        if self.network == "resnet":
            return Locator(resnet_encoder(self.channels_), (LATENT, 512, 128, 64, 32, 2), variance=variance)
        encoder = ConvEncoder(self.channels_, self.patch, self.width)
        widths = (encoder.latent, 2 * self.width, self.width, 2)
        net = Locator(encoder, widths, centre=50.0, variance=variance)
        return net.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on patches of `train`; the weights with the lowest loss on patches of `val` are kept."""
        net, stack = self.begin(train, ctx), SliceStack(train, ctx)
        prepared(net, compiled=self.compiled and self.network == "resnet")
        opt, count = adam(net, self.lr), self._static_count(stack)
        held_out = self._sample(SliceStack(val, ctx, name="val").spread(self.checked), "val", ctx)
        if len(held_out.target) < 2:
            raise DataError(f"no patch of {self.patch} pixels holds {self.brain:.0%} brain",
                            where="validation scans", hint="lower `patch` or `brain`")  # fmt: skip
        for step in ctx.steps(
            self.steps, net=net, opt=opt, validate=lambda: self._loss(held_out, ctx).item()
        ):
            sample = self._sample(stack.batch(step, self.slices), step, ctx, count)
            if len(sample.target) < 2:
                continue  # a few slices from the top of the head: nothing to learn, and no batch statistics
            for group in opt.param_groups:
                group["lr"] = self._rate(step)
            loss = self._loss(sample, ctx)
            ctx.log(loss=loss)
            opt.zero_grad()
            torch.autograd.backward(loss)
            if self.clip:
                torch.nn.utils.clip_grad_norm_(net.parameters(), self.clip)
            opt.step()

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """The anomaly map (X, Y, Z): resnet inside the brain, conv in the box around it; 0 elsewhere."""
        if not scan.brain_mask.any():
            return np.zeros(scan.shape, np.float32)
        box = brain_box(scan.brain_mask)
        how = (
            partial(self._dense, box=box)
            if self.network == "conv"
            else partial(self._by_patch, net=self._locate)
        )
        at_once = 4 if ctx.device == "cpu" else 64  # few slices stay in a CPU's cache
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):  # tf32 knows 100 % to 0.05 only
            return self.score_slices(scan, ctx, how, at_once)

    def _dense(self, batch: Batch, box: Box) -> torch.Tensor:
        return score_dense(self._net, _masked(batch), self._height(batch), self.patch, box)

    def _by_patch(self, batch: Batch, net: Locate) -> torch.Tensor:
        chunk = 256 if batch.image.device.type == "cpu" else 8192
        given = _masked(batch), self._height(batch), batch.brain
        return score_patches(net, *given, self.patch, chunk)

    @property
    def _locate(self) -> Locate:
        return (HalfLocator if self.scoring == "bf16" else ExactLocator)(self._net, self.patch)

    @property
    def _net(self) -> Locator:
        assert isinstance(self.net_, Locator)
        return self.net_

    def _height(self, batch: Batch) -> torch.Tensor:
        """Height of each slice in percent of the volume, (n,)."""
        return 100.0 * batch.z / self.shape_[2]

    def _static_count(self, stack: SliceStack) -> int:
        """Patches a step where their number must not vary, so that nobody waits for it; 0 where it may."""
        if self.network == "resnet" and (self.compiled or torch.device(stack.ctx.device).type != "cpu"):
            return usual_count(stack, self.patch, self.brain, self.candidates)
        return 0

    def _sample(self, batch: Batch, key: int | str, ctx: Context, count: int = 0) -> Sample:
        """What the network is shown of `batch` (`count`: patches, if fixed); pure in the run's seed and `key`."""
        enough = brain_share(batch.brain, self.patch) >= self.brain
        given = _masked(batch), self._height(batch), enough, self.patch
        if count:
            return sample_static(*given, count, ctx.torch_rng("patches", key))
        if self.network == "resnet":
            return sample_patches(*given, self.candidates, ctx.torch_rng("patches", key))
        jump = plan(self.patch).jump
        x, y = ctx.rng("first", key).integers(jump, size=2)
        return sample_strided(*given, jump, (int(x), int(y)))

    def _loss(self, sample: Sample, ctx: Context) -> torch.Tensor:
        with ctx.autocast(on_cpu=self.network == "conv"):
            mean, log_variance = self.net_(sample.inputs, sample.height, sample.kept)
        return location_loss(self.loss, mean, log_variance, sample.target, self.beta)

    def _rate(self, step: int) -> float:
        """The learning rate at `step`: constant, or a rise over 5 % of the steps, then a cosine to 0."""
        if self.schedule == "constant":
            return self.lr
        rise = max(1, self.steps // 20)
        if step < rise:
            return self.lr * (step + 1) / rise
        return self.lr * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, self.steps - rise)))


def _masked(batch: Batch) -> torch.Tensor:
    """The slices with nothing outside the brain, in training and at scoring alike."""
    return batch.image * batch.brain[:, None]
