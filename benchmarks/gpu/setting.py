"""What the parts of `scripts/gpu` share."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tests.pretend_gpu import methods
from uad_bench import Context
from uad_bench.method.loop_state import Policy

Row = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """device: "cuda" or "cuda:N". tiny: sizes of seconds. folder: for files. ends: of the part, by `time.monotonic`."""

    device: str
    tiny: bool
    folder: Path
    ends: float
    only: tuple[str, ...] = ()

    def context(self, precision: str = "auto", policy: Policy | None = None, device: str = "") -> Context:
        """A context on the device."""
        return Context(device=device or self.device, precision=precision, policy=policy or Policy())

    def names(self) -> Iterator[str]:
        """The methods and variants of this call."""
        yield from self.only or methods.names()

    @property
    def over(self) -> bool:
        """Whether the part's time is spent."""
        return time.monotonic() > self.ends

    def seconds(self, began: float) -> float:
        """Seconds since `began`, with all work of the device."""
        torch.cuda.synchronize(self.device)
        return time.perf_counter() - began
