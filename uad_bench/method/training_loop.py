"""The training loop behind `ctx.steps`: resume, checkpoints, time budget, best weights, progress."""

import copy
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from uad_bench.errors import PluginError, Terminated, UsageError
from uad_bench.method import checkpoint
from uad_bench.method.loop_state import LoopState, Policy
from uad_bench.method.progress import Bar
from uad_bench.method.training_report import Report

FLUSH_EVERY = 20  # steps whose losses are read from the device at once


class Loop:
    """One training phase. Everything that a resumed phase needs is in `_snapshot`.

    Arguments are those of `Context.steps`; shared: the state of all loops of the context.
    """

    def __init__(
        self,
        policy: Policy,
        shared: LoopState,
        phase: str,
        total: int,
        state: dict[str, Any],
        validate: Callable[[], float] | None,
        every: int,
    ) -> None:
        self.policy, self.shared = policy, shared
        self.phase, self.total, self.state = phase, total, state
        self.validate, self.every = validate, every or max(1, total // 10)
        self.step, self.elapsed, self.done = 0, 0.0, False
        self.best_value: float | None = None
        self.best: dict[str, Any] = {}
        self._pending: list[tuple[int, dict[str, Any]]] = []
        folder = policy.folder
        self._file = folder / f"{phase}.ckpt" if folder else None

    def run(self) -> Iterator[int]:
        """Yield the remaining steps.

        Raises PluginError for a loss that is not finite; after SIGINT or SIGTERM the state is saved, then
        KeyboardInterrupt or Terminated raised.
        """
        self._restore()
        self.shared.earlier_s += self.elapsed
        if self.done:
            self.shared.spent_s += self.elapsed
            return
        began, saved = time.monotonic() - self.elapsed, time.monotonic()
        self._report = Report(self.policy, self.phase, self.total, self.step)
        progress = Bar(self.policy.progress, self.phase, self.total)
        with interrupts_deferred() as signals, _recorded(self.shared, signals), progress as bar:
            while self.step < self.total and not self._out_of_time(began):
                yield self.step
                self._finish_step()
                self.elapsed = time.monotonic() - began
                bar.show(self.step, self._pending)
                if self._report.due:
                    self._flush()
                    self._report.step(self.step, self._budget_left(began))
                if signals or time.monotonic() - saved > 60 * self.policy.checkpoint_minutes:
                    self._save()
                    saved = time.monotonic()
                if signals:
                    raise _stop(signals)
        with _recorded(self.shared, ()):
            self._end()

    def _finish_step(self) -> None:
        self._pending.append((self.step, {k: _detached(v) for k, v in self.shared.logged.items()}))
        self.shared.logged.clear()
        self.step += 1
        if len(self._pending) >= FLUSH_EVERY:
            self._flush()
        if self.validate and (self.step % self.every == 0 or self.step == self.total):
            self._run_validation()

    def _flush(self) -> None:
        """Read the logged tensors and pass them to the sink. Raises PluginError at a loss that is not finite."""
        for step, values in self._pending:
            numbers = {k: float(v) for k, v in values.items()}
            bad = [key for key, value in numbers.items() if "loss" in key and not math.isfinite(value)]
            if bad:
                raise PluginError(
                    f"the {bad[0]} became {numbers[bad[0]]} at step {step}",
                    where=self.phase,
                    hint="lower the learning rate or clip the gradient; the last good checkpoint is kept",
                )
            self._report.note(numbers)
            if self.policy.sink:
                self.policy.sink({"phase": self.phase, "step": step, **numbers})
        self._pending.clear()

    def _run_validation(self) -> None:
        """Validate in eval mode without gradients, and keep the weights if the value is the lowest so far."""
        assert self.validate is not None
        modules = self._modules()
        modes = {name: module.training for name, module in modules.items()}
        for module in modules.values():
            module.eval()
        with torch.no_grad():
            value = float(self.validate())
        for name, module in modules.items():
            module.train(modes[name])
        self._report.note({"validation": value})
        if self.policy.sink:
            self.policy.sink({"phase": self.phase, "step": self.step - 1, "validation": value})
        if not math.isnan(value) and (self.best_value is None or value < self.best_value):
            self.best_value = value
            self.best = {name: copy.deepcopy(module.state_dict()) for name, module in modules.items()}

    @property
    def _on_gpu(self) -> bool:
        """Whether the run's device is a GPU; other GPUs are left alone, and runs on a CPU do not initialise CUDA."""
        return torch.device(self.shared.device).type == "cuda"

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {k: v for k, v in self.state.items() if isinstance(v, torch.nn.Module)}

    def _budget_left(self, began: float) -> float | None:
        """Seconds of the time budget that are left, None without one."""
        budget = self.policy.time_budget_s
        return None if budget is None else budget - self.shared.spent_s - (time.monotonic() - began)

    def _out_of_time(self, began: float) -> bool:
        left = self._budget_left(began)
        over = left is not None and left < 0
        self.shared.stopped_early |= over
        return over

    def _end(self) -> None:
        """Load the best weights and save the finished phase."""
        self._flush()
        if self.shared.stopped_early and self.validate and self.step % self.every:
            self._run_validation()
        for name, weights in self.best.items():
            self.state[name].load_state_dict(weights)
        self.done = True
        self.shared.spent_s += self.elapsed
        self._save()
        self._report.end(self.step, self.best_value, out_of_time=self.step < self.total)

    def _snapshot(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "elapsed": self.elapsed,
            "done": self.done,
            "stopped_early": self.shared.stopped_early,
            "best_value": self.best_value,
            "best": self.best,
            "state": {name: item.state_dict() for name, item in self.state.items()},
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.shared.device) if self._on_gpu else None,
            "generators": {k: g.bit_generator.state for k, g in self.shared.generators.items()},
        }

    def _save(self) -> None:
        if self._file is not None:
            self._flush()
            checkpoint.save(self._file, self._snapshot())

    def _restore(self) -> None:
        """Continue from the last checkpoint, if there is one. Raises UsageError for that of another method (UB211)."""
        kept = checkpoint.load(self._file) if self._file and self.policy.resume else None
        try:
            if self.policy.rewind:
                self.policy.rewind(self.phase, kept["step"] if kept else 0)
            if kept is not None:
                self._restore_from(kept)
        except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            what = (
                f"the checkpoint is of another method, version or shape: {' '.join(str(error).split())[:200]}"
            )
            hint = "start again with --fresh"
            raise UsageError(what, where=str(self._file), hint=hint, code="UB211") from error

    def _restore_from(self, kept: dict[str, Any]) -> None:
        self.step, self.elapsed, self.done = kept["step"], kept["elapsed"], kept["done"]
        self.best_value, self.best = kept["best_value"], kept["best"]
        self.shared.stopped_early |= kept["stopped_early"]
        for name, item in self.state.items():
            item.load_state_dict(kept["state"][name])
        torch.set_rng_state(kept["torch"])
        if kept["cuda"] is not None and self._on_gpu:
            torch.cuda.set_rng_state(kept["cuda"], self.shared.device)
        for name, state in kept["generators"].items():
            if name in self.shared.generators:
                self.shared.generators[name].bit_generator.state = state


@contextmanager
def _recorded(shared: LoopState, signals: Sequence[int]) -> Iterator[None]:
    """Record what ends a loop, because the method may catch it. Leaving the loop by `break` ends no training, unless a
    signal has come."""
    try:
        yield
    except GeneratorExit:
        shared.ended_by = _stop(signals) if signals else None
        raise
    except BaseException as error:
        shared.ended_by = error
        raise


def _stop(signals: Sequence[int]) -> BaseException:
    return Terminated() if signals[0] == signal.SIGTERM else KeyboardInterrupt()


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value


@contextmanager
def interrupts_deferred() -> Iterator[list[int]]:
    """Record the first SIGINT or SIGTERM, so that the loop can save before it ends; a second SIGINT interrupts at once.

    A second SIGTERM does not: schedulers send it to every process of a job, some of them more than once.

    Only the main thread can handle signals; in any other nothing is recorded.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def record(number: int, _frame: object) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)

    before = {number: signal.signal(number, record) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
