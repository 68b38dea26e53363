"""Patch2Loc as a method: sample patches, learn where they come from, score how badly that goes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import DataError, UsageError
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.patch2loc.belief import BeliefName, belief_loss
from uad_methods.patch2loc.encoder_conv import ConvEncoder, plan
from uad_methods.patch2loc.encoder_resnet import LATENT, resnet_encoder
from uad_methods.patch2loc.exact import ExactLocator
from uad_methods.patch2loc.fast import adam, prepared, sample_static, usual_count
from uad_methods.patch2loc.half import HalfLocator
from uad_methods.patch2loc.locator import Locator, Variance
from uad_methods.patch2loc.loss import LossName, location_loss
from uad_methods.patch2loc.patches import brain_share
from uad_methods.patch2loc.sampling import Sample, sample_patches, sample_strided
from uad_methods.patch2loc.scoring import Locate, brain_box
from uad_methods.patch2loc.team import Part, Team, networks, parts
from uad_methods.patch2loc.thick import Thick
from uad_methods.patch2loc.usual import usual_map

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

    Beyond the paper, each a variant, free to be combined. belief: what the network says about a place. scales:
    further patch sides, a network each, their scores averaged. experts: a network a modality, their beliefs multiplied.
    neighbours: slices above and below that are seen too. flips: scores averaged with those of the mirrored scan.
    usual: training scans whose mean score map is taken off.
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
    belief: BeliefName = "diagonal"
    scales: tuple[int, ...] = ()
    experts: bool = False
    neighbours: int = 0
    flips: bool = False
    usual: int = 0
    scoring: Literal["fp32", "bf16"] = "fp32"
    compiled: bool = False

    paper: ClassVar[str] = "Baker and Brockmeier 2025, arXiv 2506.22504"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "conv-full": {"network": "conv", "belief": "full"},
        "conv-mixture": {"network": "conv", "belief": "mixture"},
        "conv-scales": {"network": "conv", "scales": (16, 32)},
        "conv-experts": {"network": "conv", "experts": True},
        "conv-25d": {"network": "conv", "neighbours": 1},
        "conv-flips": {"network": "conv", "flips": True},
        "conv-usual": {"network": "conv", "usual": 16},
        "conv": {"network": "conv"},
        "bf16": {"network": "resnet", "scoring": "bf16"},
    }
    tiny: ClassVar[Mapping[str, Any]] = {
        "patch": 8, "steps": 4, "slices": 4, "candidates": 128, "lr": 1e-3, "width": 4, "checked": 2,
    }  # fmt: skip

    def build(self) -> torch.nn.Module:
        """The networks for `channels_` modalities: 11.85 M weights each (resnet), or about 0.12 M (conv)."""
        built = [self._locator(part) for part in self._parts]
        return built[0] if len(built) == 1 else torch.nn.ModuleList(built)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on patches of `train`; the weights with the lowest loss on patches of `val` are kept.

        Raises DataError where no patch of `val` holds enough brain, UsageError for options that exclude each other.
        """
        self._check()
        net, stack = self.begin(train, ctx), SliceStack(self._seen(train), ctx)
        for one in networks(net):
            prepared(one, compiled=self.compiled)
        opt, counts = adam(net, self.lr), self._counts(stack)
        held_out = self._samples(
            SliceStack(self._seen(val), ctx, name="val").spread(self.checked), "val", ctx
        )
        if any(len(sample.target) < 2 for sample in held_out):
            raise DataError(f"no patch of {self._parts[-1].side} pixels holds {self.brain:.0%} brain",
                            where="validation scans", hint="lower `patch` or `brain`")  # fmt: skip
        for step in ctx.steps(
            self.steps, net=net, opt=opt, validate=lambda: self._loss(held_out, ctx).item()
        ):
            samples = self._samples(stack.batch(step, self.slices), step, ctx, counts)
            if any(len(sample.target) < 2 for sample in samples):
                continue  # a few slices from the top of the head: nothing to learn, and no batch statistics
            for group in opt.param_groups:
                group["lr"] = self._rate(step)
            loss = self._loss(samples, ctx)
            ctx.log(loss=loss)
            opt.zero_grad()
            torch.autograd.backward(loss)
            if self.clip:
                torch.nn.utils.clip_grad_norm_(net.parameters(), self.clip)
            opt.step()
        if self.usual:
            self.usual_ = usual_map(train, self.usual, lambda scan: self._raw(scan, ctx))

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """The anomaly map (X, Y, Z) inside the brain; 0 elsewhere."""
        raw = self._raw(scan, ctx)
        return (raw - self.usual_) * scan.brain_mask if self.usual else raw

    def _raw(self, scan: Scan, ctx: Context) -> FloatArray:
        """The score before what is usual is taken off."""
        if not scan.brain_mask.any():
            return np.zeros(scan.shape, np.float32)
        ours, box = self._team, brain_box(scan.brain_mask)

        def score(batch: Batch) -> torch.Tensor:
            return ours.judge(_masked(batch), self._height(batch), batch.brain, box).score

        at_once = 4 if ctx.device == "cpu" else 64  # few slices stay in a CPU's cache
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):  # tf32 knows 100 % to 0.05 only
            return self.score_slices(self._seen([scan])[0], ctx, score, at_once)

    @property
    def _team(self) -> Team:
        """The networks as they score."""
        slides, nets = self.network == "conv", list[Locate](networks(self.net_))
        if not slides:
            form = HalfLocator if self.scoring == "bf16" else ExactLocator
            nets = [form(net, part.side) for net, part in zip(networks(self.net_), self._parts, strict=True)]
        return Team(nets, self._parts, self.belief, slides, self.flips)

    @property
    def _parts(self) -> list[Part]:
        """What each of the networks looks at."""
        channels = self.channels_ * (2 * self.neighbours + 1)
        return parts(channels, self.channels_, (self.patch, *self.scales), experts=self.experts)

    def _locator(self, part: Part) -> Locator:
        variance = VARIANCE[self.loss]
        if self.network == "resnet":
            encoder, widths = resnet_encoder(len(part.channels)), (LATENT, 512, 128, 64, 32)
            return Locator(encoder, widths, self.belief, variance=variance)
        slid = ConvEncoder(len(part.channels), part.side, self.width)
        net = Locator(
            slid, (slid.latent, 2 * self.width, self.width), self.belief, centred=True, variance=variance
        )
        return net.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]

    def _check(self) -> None:
        """Raise UsageError for options that exclude each other."""
        if self.belief != "diagonal" and (self.loss != "beta_nll" or self.experts):
            raise UsageError(f"belief {self.belief!r} goes with loss beta_nll and without experts",
                             where="patch2loc", hint="set belief to diagonal")  # fmt: skip

    def _seen(self, scans: Sequence[Scan]) -> Sequence[Scan]:
        """The scans as the networks see them."""
        return Thick(scans, self.neighbours) if self.neighbours else scans

    def _height(self, batch: Batch) -> torch.Tensor:
        """Height of each slice in percent of the volume, (n,)."""
        return 100.0 * batch.z / self.shape_[2]

    def _counts(self, stack: SliceStack) -> list[int]:
        """Patches of a step, where their number must not vary, so that nobody waits for it; none where it may."""
        if self.network == "resnet" and (self.compiled or torch.device(stack.ctx.device).type != "cpu"):
            return [usual_count(stack, part.side, self.brain, self.candidates) for part in self._parts]
        return []

    def _samples(
        self, batch: Batch, key: int | str, ctx: Context, counts: Sequence[int] = ()
    ) -> list[Sample]:
        """What each network is shown of `batch` (`counts`: patches, if fixed); pure in the run's seed and `key`."""
        fixed = counts or [0] * len(self._parts)
        return [self._sample(batch, part, key, ctx, n) for part, n in zip(self._parts, fixed, strict=True)]

    def _sample(self, batch: Batch, part: Part, key: int | str, ctx: Context, count: int) -> Sample:
        enough = brain_share(batch.brain, part.side) >= self.brain
        given = _masked(batch)[:, part.channels], self._height(batch), enough, part.side
        if count:
            return sample_static(*given, count, ctx.torch_rng("patches", key))
        if self.network == "resnet":
            return sample_patches(*given, self.candidates, ctx.torch_rng("patches", key))
        jump = plan(part.side).jump
        x, y = ctx.rng("first", key).integers(jump, size=2)
        return sample_strided(*given, jump, (int(x), int(y)))

    def _loss(self, samples: Sequence[Sample], ctx: Context) -> torch.Tensor:
        """Mean of the networks' losses."""
        with ctx.autocast(on_cpu=self.network == "conv"):
            answers = [
                net(one.inputs, one.height, one.kept)
                for net, one in zip(networks(self.net_), samples, strict=True)
            ]
        pairs = zip(answers, samples, strict=True)
        return torch.stack([self._one_loss(mean, spread, one.target) for (mean, spread), one in pairs]).mean()

    def _one_loss(self, mean: torch.Tensor, spread: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.belief == "diagonal":
            return location_loss(self.loss, mean, spread, target, self.beta)
        return belief_loss(self.belief, mean.float(), spread.float(), target, self.beta)

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
