"""That a method answers the same question the same way: seeds, order, files, a resume, the process around it."""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from uad_bench.method.base import Method
from uad_bench.method.context import Context
from uad_bench.method.loop_state import Policy
from uad_bench.testing.candidate import MethodCandidate, NotChecked, broken
from uad_bench.testing.toy import toy_scans
from uad_bench.types import Scan


class _Lazy(Sequence[Scan]):
    """Scans that are made anew whenever they are asked for, as the harness reads them from disk."""

    def __init__(self, modalities: Sequence[str]) -> None:
        self._modalities = modalities

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: Any) -> Any:  # int -> Scan, slice -> list of them
        return toy_scans(4, self._modalities, prefix="train")[index]


def check_fit_needs_only_scans(candidate: MethodCandidate) -> None:
    """fit takes a sequence that loads scans when asked, and nothing else: no list, no path, no lesion mask."""
    fix = "use len(train), train[i] and iteration only; keep no scan by its identity"
    _same_map(
        candidate, lambda: candidate.fit(train=_Lazy(candidate.modalities)), "the map of a fit on a list", fix
    )


def check_same_seed_same_bits(candidate: MethodCandidate) -> None:
    """The run's seed decides all: the global random states do not."""

    def disturbed() -> Method:
        np.random.seed(1)  # noqa: NPY002  # the global state is what must not matter
        random.seed(1)
        torch.manual_seed(1)
        return candidate.fit()

    fix = "draw from ctx.rng(...) or ctx.torch_rng(...), at scoring from ctx.rng(scan.case_id)"
    _same_map(candidate, disturbed, "equal maps from equal seeds", fix)


def check_deterministic_is_true(candidate: MethodCandidate) -> None:
    """A method that calls itself deterministic gives the same map for every seed."""
    if not candidate.cls.deterministic:
        raise NotChecked("the method does not call itself deterministic")
    zero, scan = candidate.reference, candidate.fresh_scans(1)[0]
    if not np.array_equal(zero, candidate.map(candidate.fit(seed=1), scan, seed=1)):
        fix = "drop `deterministic = True`"
        raise broken(candidate.name, "one map for all seeds", "a map that depends on the seed", fix)


def check_order_does_not_matter(candidate: MethodCandidate) -> None:
    """The map of a scan does not depend on what was scored before it."""
    first, second = candidate.fresh_scans()
    alone, method, ctx = candidate.reference, candidate.first_fit[0], Context()
    candidate.map(method, second, ctx=ctx)
    if not np.array_equal(alone, candidate.map(method, first, ctx=ctx)):
        fix = "keep nothing from one score to the next; draw from ctx.rng(scan.case_id)"
        raise broken(candidate.name, "the same map in any order", "one that depends on the order", fix)


def check_save_and_load(candidate: MethodCandidate) -> None:
    """A saved and loaded method gives the same map."""

    def through_files() -> Method:
        loaded = candidate.new()
        with TemporaryDirectory() as folder:
            candidate.first_fit[0].save(Path(folder))
            loaded.load(Path(folder), Context())
        return loaded

    fix = "keep all learnt state in attributes that end in '_', or write save and load"
    _same_map(candidate, through_files, "the same map after save and load", fix)


class _Killed(BaseException):
    """Ends a training from inside, as a crash would."""


def check_resume(candidate: MethodCandidate) -> None:
    """A training that was killed at its second step and resumed gives the same map as one that was not."""
    fix = "hand everything that the loop changes to ctx.steps(total, net=net, opt=opt, ...)"
    _same_map(candidate, lambda: _killed_and_resumed(candidate), "the same map after a resume", fix)


def _killed_and_resumed(candidate: MethodCandidate) -> Method:
    with TemporaryDirectory() as folder:
        kept = Policy(folder=Path(folder), checkpoint_minutes=0, sink=_kill_at_second_step)
        try:
            candidate.fit(policy=kept)
        except _Killed:
            return candidate.fit(policy=Policy(folder=Path(folder), resume=True))
    raise NotChecked("the method takes fewer than two steps through ctx.steps")


def _kill_at_second_step(values: Mapping[str, Any]) -> None:
    if values["step"] >= 1:
        raise _Killed


def check_process_stays_untouched(candidate: MethodCandidate) -> None:
    """Fitting and scoring change no setting of the process; torch's random state may move, as dropout does."""
    _ = candidate.reference
    before = _process_state()
    candidate.map(candidate.fit(), candidate.fresh_scans(1)[0])
    after = _process_state()
    changed = [key for key in before if before[key] != after[key]]
    if changed:
        fix = "set it for a block and set it back, or leave it to the harness"
        raise broken(candidate.name, "an untouched process", f"changed: {', '.join(changed)}", fix)


def _process_state() -> dict[str, Any]:
    return {
        "working directory": Path.cwd(),
        "environment variables": dict(os.environ),
        "random state of Python": random.getstate(),
        "random state of numpy": str(np.random.get_state()),  # noqa: NPY002  # what must not change
        "numpy's error handling": np.geterr(),
        "torch threads": torch.get_num_threads(),
        "torch default dtype": torch.get_default_dtype(),
        "torch gradients": torch.is_grad_enabled(),
        "torch deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch matmul precision": torch.get_float32_matmul_precision(),
    }


def _same_map(candidate: MethodCandidate, make: Callable[[], Method], expected: str, fix: str) -> None:
    """The method that `make` gives has the reference map, to the last bit."""
    reference = candidate.reference
    found = candidate.map(make(), candidate.fresh_scans(1)[0])
    if not np.array_equal(reference, found):
        worst = float(np.abs(reference - found).max())
        raise broken(candidate.name, expected, f"differences up to {worst:.3g}", fix)
