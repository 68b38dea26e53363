"""Repeatability of a method: seeds, order of scans, save and load, resume, state of the process."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from uad_bench.method.base import Method
from uad_bench.method.context import Context
from uad_bench.method.loop_state import Policy
from uad_bench.testing.candidate import MethodCandidate, NotChecked, broken
from uad_bench.testing.process_state import (
    changed_settings,
    process_state,
    refuse_changes,
    with_other_random_state,
)
from uad_bench.testing.toy import toy_scans
from uad_bench.types import Scan


class _Lazy(Sequence[Scan]):
    """Training scans that are made at each access, as a run reads them from disk."""

    def __init__(self, modalities: Sequence[str]) -> None:
        self._modalities = modalities

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: Any) -> Any:  # int -> Scan, slice -> list of them
        return toy_scans(4, self._modalities, prefix="train")[index]


def check_fit_needs_only_scans(candidate: MethodCandidate) -> None:
    """fit accepts a sequence that loads a scan at each access: it needs no list, no path, no lesion mask."""
    fix = "use len(train), train[i] and iteration only; keep no scan by its identity"
    _same_map(
        candidate, lambda: candidate.fit(train=_Lazy(candidate.modalities)), "the map of a fit on a list", fix
    )


def check_same_seed_same_bits(candidate: MethodCandidate) -> None:
    """Equal seeds give equal maps, whatever the global random states are."""
    fix = "draw from ctx.rng(...) or ctx.torch_rng(...), at scoring from ctx.rng(scan.case_id)"
    _same_map(candidate, lambda: with_other_random_state(candidate.fit), "equal maps from equal seeds", fix)


def check_deterministic_is_true(candidate: MethodCandidate) -> None:
    """A method that declares `deterministic = True` gives the same map for every seed."""
    if not candidate.cls.deterministic:
        raise NotChecked("the method does not declare `deterministic = True`")
    zero, scan = candidate.reference, candidate.fresh_scans(1)[0]
    if not np.array_equal(zero, candidate.map(candidate.fit(seed=1), scan, seed=1)):
        fix = "drop `deterministic = True`"
        raise broken(candidate.name, "one map for all seeds", "a map that depends on the seed", fix)


def check_order_does_not_matter(candidate: MethodCandidate) -> None:
    """The map of a scan does not depend on the scans that were scored before it.

    Two loaded copies are compared, of which one scores the other scan as its very first: what a method keeps of its
    first scan matters.
    """
    _, (first, second), ctx = candidate.reference, candidate.fresh_scans(), Context()
    try:
        alone, method = candidate.map(candidate.loaded(), first), candidate.loaded()
    except Exception as error:
        raise NotChecked("it depends on the promise `save_and_load`") from error
    candidate.map(method, second, ctx=ctx)
    if not np.array_equal(alone, candidate.map(method, first, ctx=ctx)):
        fix = "store nothing from one score for the next; draw from ctx.rng(scan.case_id)"
        raise broken(candidate.name, "the same map in any order", "one that depends on the order", fix)


def check_save_and_load(candidate: MethodCandidate) -> None:
    """A method that was saved after its fit, before any score, and loaded gives the same map."""
    fix = "store all learnt state in attributes that end in '_', or write save and load"
    _same_map(candidate, candidate.loaded, "the same map after save and load", fix)


class _Killed(BaseException):
    """Ends a training at a given step, as a crash would."""


def check_resume(candidate: MethodCandidate) -> None:
    """A training that is killed at its second step and resumed gives the same map as an uninterrupted one."""
    fix = "pass everything that the loop changes to ctx.steps(total, net=net, opt=opt, ...)"
    _same_map(candidate, lambda: _killed_and_resumed(candidate), "the same map after a resume", fix)


def _killed_and_resumed(candidate: MethodCandidate) -> Method:
    kills: list[_Killed] = []

    def kill_at_second_step(values: Mapping[str, Any]) -> None:
        if values["step"] >= 1:
            kills.append(_Killed())
            raise kills[-1]

    with TemporaryDirectory() as folder:
        kept = Policy(folder=Path(folder), checkpoint_minutes=0, sink=kill_at_second_step)
        try:
            candidate.fit(policy=kept)
        except _Killed:
            return candidate.fit(policy=Policy(folder=Path(folder), resume=True))
    if kills:
        fix = "catch no exception of ctx.steps: after Ctrl-C the training is not complete"
        raise broken(candidate.name, "a training that ends with its loop", "one that goes on", fix)
    raise NotChecked("the method takes fewer than two steps through ctx.steps")


def check_process_stays_untouched(candidate: MethodCandidate) -> None:
    """Fitting and scoring change no setting of the process; torch's random state may change, as with dropout."""
    _ = candidate.reference
    before = process_state()
    candidate.map(candidate.fit(), candidate.fresh_scans(1)[0])
    refuse_changes(candidate.name, changed_settings(before))


def _same_map(candidate: MethodCandidate, make: Callable[[], Method], expected: str, fix: str) -> None:
    """The method that `make` returns gives the reference map, bit by bit."""
    reference = candidate.reference
    found = candidate.map(make(), candidate.fresh_scans(1)[0])
    if not np.array_equal(reference, found):
        worst = float(np.abs(reference - found).max())
        raise broken(candidate.name, expected, f"differences up to {worst:.3g}", fix)
