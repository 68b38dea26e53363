"""Methods for jobs: trainings that take as long as a trial needs, and a probe of the GPU that a run sees.

$UAD_TRIAL names a folder. It is no setting, so that runs of every trial have the same specification and digests.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tests.helpers.toy_methods import Blur
from uad_bench import Context, Method, Scan, SliceStack
from uad_bench.types import Resources

#: The file in $UAD_TRIAL from which on steps take no time.
GATE = "open"


@dataclass
class Gated(Blur):
    """Blur whose steps take 1 s until the gate is open, and which writes each step to a journal."""

    steps: int = 400
    lr: float = 1e-3

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        net = self.begin(train, ctx)
        opt, stack = torch.optim.Adam(net.parameters(), self.lr), SliceStack(train, ctx)
        for step in ctx.steps(self.steps, net=net, opt=opt, every=20):
            loss = self._loss(stack.batch(step, 4).image)
            opt.zero_grad()
            loss.backward()
            opt.step()
            ctx.log(loss=loss)
            written(f"{type(self).__name__}-{ctx.seed}", f"{step}\n")
            if not (folder() / GATE).exists():
                time.sleep(1)


@dataclass
class Second(Gated):
    """Another one."""

    lr: float = 3e-3


@dataclass
class Probe(Method):
    """Writes down the GPUs that it sees, and fails where another run has one of them."""

    resources = Resources(gpu=True)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        cards = os.environ["CUDA_VISIBLE_DEVICES"]
        taken = folder() / f"taken{cards}"
        taken.touch(exist_ok=False)
        time.sleep(0.5)
        taken.unlink()
        written("cards", f"{cards}\n")

    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        return scan.image[0]


def folder() -> Path:
    """The folder of the trial."""
    return Path(os.environ["UAD_TRIAL"])


def written(name: str, line: str) -> None:
    """Append a line to a file of the trial, in one write that no kill divides."""
    file = os.open(folder() / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, line.encode())
    os.close(file)
