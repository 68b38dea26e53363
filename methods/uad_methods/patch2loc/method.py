"""Patch2Loc as a method: sample patches, learn where they come from, score how badly that goes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from uad_bench import Component, Context, Scan, SliceStack
from uad_bench.errors import DataError
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.training.descent import descend
from uad_methods.patch2loc.belief import belief_loss
from uad_methods.patch2loc.components import inside, to_components
from uad_methods.patch2loc.encoders.conv import plan
from uad_methods.patch2loc.ensemble import Ensemble, Part, networks
from uad_methods.patch2loc.fast import (
    adam,
    draw_positions,
    expected_count,
    prepare_network,
    sample_static,
    sample_strided_static,
)
from uad_methods.patch2loc.inference.bf16 import BF16Locator
from uad_methods.patch2loc.inference.exact import ExactLocator
from uad_methods.patch2loc.loss import location_loss
from uad_methods.patch2loc.mean_map import mean_score_map
from uad_methods.patch2loc.neighbour_slices import ScansWithNeighbours
from uad_methods.patch2loc.options import Options
from uad_methods.patch2loc.patches import brain_share
from uad_methods.patch2loc.sampling import Sample, sample_patches, sample_strided
from uad_methods.patch2loc.scoring import Predictor, brain_box


@dataclass
class Patch2Loc(Options):
    """A network sees one axial patch and the height of its slice, and says where in the slice the patch was.

    The score of a pixel is the log squared error of its patch's predicted place plus the mean predicted
    log-variance. The default is the published network, evaluated patch by patch; variant `conv` is a network
    of our own whose dense scoring is exact. Lengths are in pixels, places in percent of the slice.
    """

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on patches of `train`; the weights with the lowest loss on patches of `val` are kept.

        Raises DataError where no patch of `val` holds enough brain.
        """
        net, stack = self.begin(train, ctx), SliceStack(self._network_scans(train), ctx)
        for one in networks(net):
            prepare_network(one, compiled=self.compiled)
        opt, counts = adam(net, self.lr), self._counts(stack)
        held_out = self.samples(
            SliceStack(self._network_scans(val), ctx, name="val").spread(self.checked), "val", ctx
        )
        if any(len(sample.target) < 2 for sample in held_out):
            raise DataError(
                f"no patch of {self.parts[-1].side} pixels holds {self.brain:.0%} brain",
                where="validation scans",
                hint="lower `patch` or `brain`",
            )
        for step in ctx.steps(
            self.steps, net=net, opt=opt, validate=lambda: self._loss(held_out, ctx).item()
        ):
            samples = self.samples(stack.batch(step, self.slices), step, ctx, counts)
            if any(len(sample.target) < 2 for sample in samples):
                continue  # a few slices from the top of the head: nothing to learn, and no batch statistics
            for group in opt.param_groups:
                group["lr"] = self._rate(step)
            loss = self._loss(samples, ctx)
            ctx.log(loss=loss)
            descend(opt, loss, self.clip)
        self.learn_usual(train, ctx)

    def learn_usual(self, train: Sequence[Scan], ctx: Context) -> None:
        """Where `usual` asks for it: the mean score map of some training scans, by the networks as they are."""
        if self.usual:
            self.usual_ = mean_score_map(
                train, self.usual, lambda scan: self._score_without_mean_map(scan, ctx)
            )

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """The anomaly map (X, Y, Z) inside the brain; 0 elsewhere."""
        raw = self._score_without_mean_map(scan, ctx)
        return (raw - self.usual_) * scan.brain_mask if self.usual else raw

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """The terms of the score, which add up to it, and from where to where the network places each patch."""
        if not scan.brain_mask.any():
            return {}
        found = to_components(self._evaluate(scan, ctx, self.component_slices, inside))
        return found | (
            {"usual": Component(-self.usual_ * scan.brain_mask, unit="log %²")} if self.usual else {}
        )

    def _score_without_mean_map(self, scan: Scan, ctx: Context) -> FloatArray:
        """The score before what is usual is taken off."""
        if not scan.brain_mask.any():
            return np.zeros(scan.shape, np.float32)
        found: FloatArray = self._evaluate(
            scan, ctx, self.score_slices, lambda ensemble, *arguments: ensemble.score_terms(*arguments).score
        )
        return found

    def _evaluate(
        self, scan: Scan, ctx: Context, over: Callable[..., Any], evaluate: Callable[..., Any]
    ) -> Any:
        """`ask` the networks about all slices of a scan in batches; `over` puts the answers together."""
        ensemble, box = self._ensemble, brain_box(scan.brain_mask)

        def evaluate_batch(batch: Batch) -> Any:  # what `ask` answers
            return evaluate(ensemble, _mask_background(batch), self._height(batch), batch.brain, box)

        at_once = 4 if ctx.device == "cpu" else 64  # few slices stay in a CPU's cache
        return over(self._network_scans([scan])[0], ctx, evaluate_batch, at_once)

    @property
    def _ensemble(self) -> Ensemble:
        """The networks as they score."""
        slides, nets = self.network == "conv", list[Predictor](networks(self.net_))
        if not slides:
            form = BF16Locator if self.scoring == "bf16" else ExactLocator
            nets = [form(net, part.side) for net, part in zip(networks(self.net_), self.parts, strict=True)]
        return Ensemble(nets, self.parts, self.belief, slides, self.flips)

    def _network_scans(self, scans: Sequence[Scan]) -> Sequence[Scan]:
        """The scans as the networks see them."""
        return ScansWithNeighbours(scans, self.neighbours) if self.neighbours else scans

    def _height(self, batch: Batch) -> torch.Tensor:
        """Height of each slice in percent of the volume, (n,)."""
        return 100.0 * batch.z / self.shape_[2]

    def _counts(self, stack: SliceStack) -> list[int]:
        """Patches of a step, where their number must not vary, so that nobody waits for it; none where it may."""
        if torch.device(stack.ctx.device).type == "cpu" and not self.compiled:
            return []
        X, Y = stack.shape
        places = self.candidates if self.network == "resnet" else self.slices * X * Y
        coarse = [1 if self.network == "resnet" else plan(part.side).jump ** 2 for part in self.parts]
        sides = zip(self.parts, coarse, strict=True)
        return [expected_count(stack, part.side, self.brain, places // n) for part, n in sides]

    def samples(self, batch: Batch, key: int | str, ctx: Context, counts: Sequence[int] = ()) -> list[Sample]:
        """What each network is shown of `batch` (`counts`: patches, if fixed); pure in the run's seed and `key`."""
        fixed = counts or [0] * len(self.parts)
        return [self._sample(batch, part, key, ctx, n) for part, n in zip(self.parts, fixed, strict=True)]

    def _sample(self, batch: Batch, part: Part, key: int | str, ctx: Context, count: int) -> Sample:
        enough = brain_share(batch.brain, part.side) >= self.brain
        arguments = _mask_background(batch)[:, part.channels], self._height(batch), enough, part.side
        if self.network == "resnet":
            draw = ctx.torch_rng("patches", key)
            return (
                sample_static(*arguments, count, draw)
                if count
                else sample_patches(*arguments, self.candidates, draw)
            )
        jump = plan(part.side).jump
        x, y = ctx.rng("first", key).integers(jump, size=2)
        first = int(x), int(y)
        if count:
            pick = partial(draw_positions, count=count, rng=ctx.torch_rng("patches", key))
            return sample_strided_static(*arguments, jump, first, pick)
        return sample_strided(*arguments, jump, first)

    def _loss(self, samples: Sequence[Sample], ctx: Context) -> torch.Tensor:
        """Mean of the networks' losses."""
        with ctx.autocast(on_cpu=self.network == "conv"):
            predictions = [
                net(one.inputs, one.height, one.kept)
                for net, one in zip(networks(self.net_), samples, strict=True)
            ]
        pairs = zip(predictions, samples, strict=True)
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


def _mask_background(batch: Batch) -> torch.Tensor:
    """The slices with nothing outside the brain, in training and at scoring alike."""
    return batch.image * batch.brain[:, None]
