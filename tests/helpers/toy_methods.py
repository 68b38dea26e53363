"""Methods for tests: one that trains for a moment, and some that break their contract."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from uad_bench import Component, Context, Method, Scan, SliceStack, TorchMethod


@dataclass
class Blur(TorchMethod):
    """A 1-channel convolution that learns to copy its input; the residual is the map."""

    steps: int = 30
    lr: float = 1e-2
    sleep: float = 0.0
    tiny = {"steps": 3}

    def build(self) -> torch.nn.Module:
        return torch.nn.Conv2d(self.channels_, self.channels_, 3, padding=1)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        net = self.begin(train, ctx)
        opt = torch.optim.Adam(net.parameters(), self.lr)
        stack, held = SliceStack(train, ctx), SliceStack(val, ctx, name="val").spread(8)
        for step in ctx.steps(self.steps, net=net, opt=opt, every=5, validate=lambda: self._loss(held.image)):
            loss = self._loss(stack.batch(step, 4).image)
            opt.zero_grad()
            loss.backward()
            opt.step()
            ctx.log(loss=loss)
            time.sleep(self.sleep)

    def _loss(self, image: torch.Tensor) -> torch.Tensor:
        return (self.net_(image) - image).abs().mean()

    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        return self.score_slices(scan, ctx, lambda b: (self.net_(b.image) - b.image).abs().mean(1))


@dataclass
class Glass(Blur):
    """Shows what it is made of: the copy, how far off it is, and a place two voxels to the right."""

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component | np.ndarray]:
        found = self.component_slices(scan, ctx, lambda b: {"copy": self.net_(b.image)[:, 0]})
        right = np.stack([np.full(scan.shape, 2.0), np.zeros(scan.shape)])
        return {
            "copy": Component(found["copy"], "intensity"),
            "error": np.abs(found["copy"] - scan.image[0]),
            "place": Component(right, "shift"),
        }


@dataclass
class Opaque(Glass):
    def components(self, scan: Scan, ctx: Context) -> dict[str, np.ndarray]:
        return {"error": np.full(scan.shape, np.nan)}


@dataclass
class WrongShape(Method):
    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        return np.zeros(scan.shape[:2])


@dataclass
class GivesNaN(Method):
    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        return np.full(scan.shape, np.nan)


@dataclass
class Raises(Method):
    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        raise ValueError("no idea")


@dataclass
class Forgets(Method):
    """Learns something that `save` does not keep."""

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        self.secret = 1.0

    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        return scan.image[0] * self.secret


@dataclass
class Diverges(Method):
    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        for step in ctx.steps(50):
            ctx.log(loss=torch.tensor(float("nan") if step == 23 else 1.0))

    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        return scan.image[0]
