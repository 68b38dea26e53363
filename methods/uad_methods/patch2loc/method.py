"""Patch2Loc: sample patches, train networks to predict their location, score the predictions."""

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
from uad_methods.patch2loc.components import score_components, to_components
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
from uad_methods.patch2loc.patches import Where, brain_share, require_smaller_patches
from uad_methods.patch2loc.sampling import Sample, sample_patches, sample_strided
from uad_methods.patch2loc.scoring import Predictor, brain_box

Weights = list[tuple[torch.Tensor, int]]


@dataclass
class Patch2Loc(Options):
    """A network predicts the location of an axial patch in its slice (Baker and Brockmeier 2025, arXiv 2506.22504).

    Its inputs are the patch and the height of the slice. Anomaly map: for each brain voxel log(|m - t|^2 +
    1e-10) plus the mean predicted log-variance of both axes, with m the predicted and t the true location of
    the patch centred there, in percent of the slice.

    The default is the published network, evaluated patch by patch. Variant `conv` is a network of our own
    that can be applied to whole slices with the same result; `bf16` computes the published encoder in bf16.
    All other variants extend the paper, see `Options`. Lengths are in pixels, locations in percent of the
    slice.
    """

    def __post_init__(self) -> None:
        """As `Options`."""
        super().__post_init__()
        self._scored_with: Weights = []  # weights of `_scorer`, and their versions
        self._scorer: Any = None

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on patches of `train` and keep the weights with the lowest loss on patches of `val`.

        Raises DataError where no patch of `val` contains enough brain, UsageError for patches larger than a slice.
        """
        require_smaller_patches((int(self.patch), *self.scales), train[0].shape[:2])
        net, stack = self.begin(train, ctx), SliceStack(self._network_scans(train), ctx)
        for one in networks(net):
            prepare_network(one, compiled=self.compiled)
        opt, counts = adam(net, self.lr), self._counts(stack)
        held_out = self._validation_samples(val, ctx)
        for step in ctx.steps(
            self.steps, net=net, opt=opt, validate=lambda: self._loss(held_out, ctx).item()
        ):
            samples = self.samples(stack.batch(step, self.slices), step, ctx, counts)
            if any(len(sample.target) < 2 for sample in samples):
                continue  # too little brain in these slices for batch statistics
            for group in opt.param_groups:
                group["lr"] = self._rate(step)
            loss = self._loss(samples, ctx)
            ctx.log(loss=loss)
            descend(opt, loss, self.clip)
        self.learn_usual(train, ctx)

    def _validation_samples(self, val: Sequence[Scan], ctx: Context) -> list[Sample]:
        stack = SliceStack(self._network_scans(val), ctx, name="val")
        samples = self.samples(stack.spread(self.checked), "val", ctx)
        if any(len(sample.target) < 2 for sample in samples):
            raise DataError(
                f"no patch of {self.parts[-1].side} pixels contains {self.brain:.0%} brain",
                where="validation scans",
                hint="lower patch2loc.patch or patch2loc.brain",
            )
        return samples

    def learn_usual(self, train: Sequence[Scan], ctx: Context) -> None:
        """If `usual` is set, compute the mean score map of as many training scans with the current networks."""
        if self.usual:
            score = partial(self._score_without_mean_map, ctx=ctx)
            self.usual_ = mean_score_map(train, self.usual, score)

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Anomaly map (X, Y, Z), higher = more anomalous, may be negative; 0 outside the brain mask."""
        raw = self._score_without_mean_map(scan, ctx)
        return (raw - self.usual_) * scan.brain_mask if self.usual else raw

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """The terms whose sum is the score, and the displacement from true to predicted location of each patch."""
        if not scan.brain_mask.any():
            return {}
        found = to_components(self._evaluate(scan, ctx, self.component_slices, score_components))
        if self.usual:
            found["usual"] = Component(-self.usual_ * scan.brain_mask, unit="log %²")
        return found

    def _score_without_mean_map(self, scan: Scan, ctx: Context) -> FloatArray:
        """Score (X, Y, Z) before the mean score map is subtracted."""
        if not scan.brain_mask.any():
            return np.zeros(scan.shape, np.float32)
        found: FloatArray = self._evaluate(
            scan, ctx, self.score_slices, lambda ensemble, *arguments: ensemble.score_terms(*arguments).score
        )
        return found

    def _evaluate(
        self, scan: Scan, ctx: Context, over: Callable[..., Any], evaluate: Callable[..., Any]
    ) -> Any:
        """Apply `evaluate` to the networks and all slices of a scan, in batches that `over` combines."""
        ensemble, box = self._ensemble, brain_box(scan.brain_mask)

        def evaluate_batch(batch: Batch) -> Any:
            brain = Where(batch.brain, sum(batch.pixels))
            return evaluate(ensemble, _mask_background(batch), self._height(batch), brain, box)

        at_once = 4 if ctx.device == "cpu" else 64  # few slices fit in a CPU's cache
        return over(self._network_scans([scan])[0], ctx, evaluate_batch, at_once)

    @property
    def _ensemble(self) -> Ensemble:
        """The networks in the form that scores fastest; kept until the weights change."""
        weights = [*self.net_.parameters(), *self.net_.buffers()]
        state = [(one, one._version) for one in weights]  # the version counts changes in place
        if not _same_weights(self._scored_with, state):
            self._scored_with, self._scorer = state, self._new_ensemble()
        ensemble: Ensemble = self._scorer
        return ensemble

    def _new_ensemble(self) -> Ensemble:
        dense, nets = self.network == "conv", list[Predictor](networks(self.net_))
        if not dense:
            locator = BF16Locator if self.scoring == "bf16" else ExactLocator
            nets = [
                locator(net, part.side) for net, part in zip(networks(self.net_), self.parts, strict=True)
            ]
        return Ensemble(nets, self.parts, self.belief, dense, self.flips)

    def _network_scans(self, scans: Sequence[Scan]) -> Sequence[Scan]:
        """Scans with neighbouring slices as further channels if `neighbours` is set."""
        return ScansWithNeighbours(scans, self.neighbours) if self.neighbours else scans

    def _height(self, batch: Batch) -> torch.Tensor:
        """Height of each slice, (n,), percent of the volume."""
        return 100.0 * batch.z / self.shape_[2]

    def _counts(self, stack: SliceStack) -> list[int]:
        """Patches per step for each network, where their number must not vary (GPU); empty where it may."""
        if torch.device(stack.ctx.device).type == "cpu" and not self.compiled:
            return []
        X, Y = stack.shape
        positions = self.candidates if self.network == "resnet" else self.slices * X * Y
        grid = [1 if self.network == "resnet" else plan(part.side).jump ** 2 for part in self.parts]
        sides = zip(self.parts, grid, strict=True)
        return [expected_count(stack, part.side, self.brain, positions // n) for part, n in sides]

    def samples(self, batch: Batch, key: int | str, ctx: Context, counts: Sequence[int] = ()) -> list[Sample]:
        """Training sample of each network from `batch`; depends only on the run's seed and `key`.

        counts: number of patches for each network; empty for a varying number, as published.
        """
        fixed = counts or [0] * len(self.parts)
        return [self._sample(batch, part, key, ctx, n) for part, n in zip(self.parts, fixed, strict=True)]

    def _sample(self, batch: Batch, part: Part, key: int | str, ctx: Context, count: int) -> Sample:
        enough = brain_share(batch.brain, part.side) >= self.brain
        arguments = part.input(_mask_background(batch)), self._height(batch), enough, part.side
        if self.network == "resnet":
            draw = ctx.torch_rng("patches", key)
            if count:
                return sample_static(*arguments, count, draw)
            return sample_patches(*arguments, self.candidates, draw)
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
        """Learning rate at `step`: constant, or a linear increase over 5 % of the steps, then a cosine to 0."""
        if self.schedule == "constant":
            return self.lr
        warm_up = max(1, self.steps // 20)
        if step < warm_up:
            return self.lr * (step + 1) / warm_up
        return self.lr * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, self.steps - warm_up)))


def _same_weights(before: Weights, now: Weights) -> bool:
    """Whether the tensors are the same objects and were not changed in between."""
    pairs = zip(before, now, strict=False)
    return len(before) == len(now) and all(a is b and i == j for (a, i), (b, j) in pairs)


def _mask_background(batch: Batch) -> torch.Tensor:
    """Slices with 0 outside the brain mask, in training and at scoring."""
    return batch.image * batch.brain[:, None]
