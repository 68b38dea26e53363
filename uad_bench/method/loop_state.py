"""What a context shares with its training loops: the policy of the run, and the state of the loops."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

Sink = Callable[[dict[str, Any]], None]


@dataclass
class Policy:
    """Checkpoints, time budget and progress of the training loops of a run; not a choice of the method.

    folder: of the checkpoints, None to write none. resume: continue from them. checkpoint_minutes: time between two.
    time_budget_s: seconds of training in total, counted across resumes; None: no limit. progress: show a bar on
    stderr. sink: called with {"phase", "step", "loss", ...} for each logged step. rewind(phase, step): called when a
    loop starts or resumes; the sink will receive this phase again from that step on. label: the run in messages;
    report_s: seconds between two messages about the progress.
    """

    folder: Path | None = None
    resume: bool = False
    checkpoint_minutes: float = 2.0
    time_budget_s: float | None = None
    progress: bool = False
    sink: Sink | None = None
    rewind: Callable[[str, int], None] | None = None
    label: str = ""
    report_s: float = 30.0


class _Generator(np.random.Generator):
    """A numpy generator that weak references can refer to."""


@dataclass
class LoopState:
    """State of all training loops of one context.

    device: of the run. stopped_early: the time budget ended a loop. phases: loops started so far. spent_s: seconds of
    the finished phases. earlier_s: seconds of training in earlier processes, which this one continues. logged: figures
    of the current step. generators: by key, those that the method still refers to; checkpoints contain their states.
    ended_by: what ended a loop before its last step, such as Ctrl-C or a loss that is not finite.
    """

    device: str = "cpu"
    stopped_early: bool = False
    phases: int = 0
    spent_s: float = 0.0
    earlier_s: float = 0.0
    logged: dict[str, Any] = field(default_factory=dict)
    generators: WeakValueDictionary[str, np.random.Generator] = field(default_factory=WeakValueDictionary)
    ended_by: BaseException | None = None

    def track(self, name: str, bits: np.random.BitGenerator) -> np.random.Generator:
        """A generator over `bits`; checkpoints contain its state while a reference to it exists.

        >>> loops = LoopState()
        >>> generator = loops.track("noise", np.random.PCG64(0))
        >>> loops.generators["noise"] is generator
        True
        """
        generator = _Generator(bits)
        self.generators[name] = generator
        return generator
