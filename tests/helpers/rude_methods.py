"""Methods that fail on some cases, hang, crash, write into their input or change the process they run in."""

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch

from uad_bench import Context, Method, Scan


class _OnSome(Method):
    """Misbehaves on cases whose id ends with `digit`; elsewhere the intensity is the map."""

    digit = "1"

    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        if scan.case_id.endswith(self.digit):
            return self.misbehave(scan)
        return scan.image[0].copy()

    def misbehave(self, scan: Scan) -> np.ndarray:
        raise NotImplementedError


@dataclass
class RaisesOnSome(_OnSome):
    def misbehave(self, scan: Scan) -> np.ndarray:
        raise ValueError("cannot handle this scan")


@dataclass
class HangsOnSome(_OnSome):
    def misbehave(self, scan: Scan) -> np.ndarray:
        time.sleep(3600)
        raise AssertionError


@dataclass
class CrashesOnSome(_OnSome):
    def misbehave(self, scan: Scan) -> np.ndarray:
        os.kill(os.getpid(), signal.SIGSEGV)
        raise AssertionError


@dataclass
class WritesThroughTorch(Method):
    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        torch.from_numpy(scan.image).mul_(2)
        return scan.image[0].copy()


@dataclass
class Exits(Method):
    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        sys.exit(0)


@dataclass
class ChangesTheProcess(Method):
    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        torch.set_grad_enabled(False)
        np.seterr(all="ignore")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.environ["UAD_BENCH_CACHE"] = "/nowhere"
        os.chdir("/")
        return scan.image[0].copy()


@dataclass
class SwallowsWhatEndsTraining(Method):
    """Catches everything that its training loop raises and goes on, as after "interrupted, using current weights"."""

    end: str = "loss"

    def fit(self, train: object, val: object, ctx: Context) -> None:
        for _phase in range(2):
            with suppress(BaseException):  # the fault that is tested
                for step in ctx.steps(50):
                    ctx.log(loss=np.nan if self.end == "loss" else 0.0)
                    if step == 1 and self.end != "loss":
                        os.kill(os.getpid(), signal.SIGINT if self.end == "ctrl-c" else signal.SIGTERM)

    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        return scan.image[0].copy()
