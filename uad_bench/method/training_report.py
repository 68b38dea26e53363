"""Messages of a training loop: step, loss, validation, rate and time left."""

import logging
import time
from collections.abc import Mapping

from uad_bench.method.loop_state import Policy
from uad_bench.support.progress import duration
from uad_bench.types import UNNAMED_PHASE

log = logging.getLogger(__name__)

#: Figures in one message.
MAX_FIGURES = 3
#: Attribute of a record that tells what the progress bar shows already; handlers of a terminal leave it out.
IN_BAR = "in_bar"


class Report:
    """Logs one message when a phase begins and ends, and one every `Policy.report_s` seconds between.

    Where the bar is shown, the messages between go to log.txt only.
    """

    def __init__(self, policy: Policy, phase: str, total: int, step: int) -> None:
        self._policy, self._total = policy, total
        named = (
            "" if phase == UNNAMED_PHASE else phase
        )  # the only phase of most methods, which do not name it
        self._label = ", ".join(part for part in (policy.label, named) if part) or "training"
        self._figures: dict[str, float] = {}
        self._first = self._step = step
        self._began = self._told = time.monotonic()
        self._tell(f"{total} steps" if not step else f"continues at step {step} of {total}")

    @property
    def due(self) -> bool:
        """Whether the last message is `Policy.report_s` seconds old."""
        return time.monotonic() - self._told >= self._policy.report_s

    def note(self, values: Mapping[str, float]) -> None:
        """Keep the newest figures of the loop."""
        self._figures.update(values)

    def step(self, step: int, seconds_left: float | None) -> None:
        """Log where the loop is. step: steps that are done; seconds_left: of the time budget, None without one."""
        now = time.monotonic()
        rate = (step - self._step) / max(now - self._told, 1e-9)
        self._step, self._told = step, now
        left = (self._total - step) / rate if rate else None
        if seconds_left is not None:
            left = max(0.0, seconds_left) if left is None else min(left, max(0.0, seconds_left))
        said = [f"step {step} of {self._total}", *self._shown(), f"{rate:.3g} steps/s"]
        self._tell(", ".join([*said, *([f"about {duration(left)} left"] if left is not None else [])]))

    def end(self, step: int, best: float | None, *, out_of_time: bool) -> None:
        """Log what the phase came to. best: the lowest validation value, whose weights are kept."""
        took = duration(time.monotonic() - self._began)
        said = [f"{step - self._first} steps in {took}", *self._shown()]
        said += [] if best is None else [f"lowest validation {best:.4g}, whose weights are kept"]
        if out_of_time:
            said.append(f"ended by the time budget at step {step} of {self._total}")
        log.info("%s: %s", self._label, ", ".join(said))

    def _shown(self) -> list[str]:
        """The losses, or the first figures where none is called a loss, and the validation."""
        others = [name for name in self._figures if name != "validation"]
        names = [name for name in others if "loss" in name] or others
        last = ["validation"] if "validation" in self._figures else []
        return [f"{name} {self._figures[name]:.4g}" for name in names[:MAX_FIGURES] + last]

    def _tell(self, text: str) -> None:
        log.info("%s: %s", self._label, text, extra={IN_BAR: self._policy.progress})
