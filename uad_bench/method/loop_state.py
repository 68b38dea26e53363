"""What a context and its training loops share: the policy of the run, and the state that checkpoints keep."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

Sink = Callable[[dict[str, Any]], None]


@dataclass
class Policy:
    """How long a training loop may run and how it is kept alive; belongs to the run, not to the method.

    folder: where checkpoints go (None: none are written); resume: go on from them; checkpoint_minutes: how
    often; time_budget_s: seconds of training in all, counted across resumes (None: no limit);
    sink: receives {"phase", "step", "loss", ...}; rewind(phase, step): what the sink got of this phase from that
    step on will come again; progress: draw a bar on stderr.
    """

    folder: Path | None = None
    resume: bool = False
    checkpoint_minutes: float = 2.0
    time_budget_s: float | None = None
    progress: bool = False
    sink: Sink | None = None
    rewind: Callable[[str, int], None] | None = None


class _Generator(np.random.Generator):
    """A numpy generator that can be referred to weakly."""


@dataclass
class LoopState:
    """State of all training loops of one context.

    stopped_early: a time budget ended a loop; phases: loops begun so far; spent_s: seconds of the phases that
    ended; logged: figures of the current step; generators: by key, only those that the method still holds, for a
    checkpoint keeps the state of these.
    """

    stopped_early: bool = False
    phases: int = 0
    spent_s: float = 0.0
    logged: dict[str, Any] = field(default_factory=dict)
    generators: WeakValueDictionary[str, np.random.Generator] = field(default_factory=WeakValueDictionary)

    def track(self, name: str, bits: np.random.BitGenerator) -> np.random.Generator:
        """A generator over `bits` whose state checkpoints keep for as long as somebody holds it."""
        generator = _Generator(bits)
        self.generators[name] = generator
        return generator
