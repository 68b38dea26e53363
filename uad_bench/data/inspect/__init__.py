"""A dataset before any work is done on it: each case inspected, and what only shows between cases."""

import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from uad_bench.data.inspect.case import THOROUGH, Checks, Inspected, inspect
from uad_bench.data.inspect.findings import Finding, Notes, of_error
from uad_bench.errors import DataError, EnvironmentFault
from uad_bench.types import Case


@dataclass(frozen=True)
class Survey:
    """Every case with its findings, and the findings that concern no single one of them.

    unpaired: how many cases the adapter could not pair; checks: how closely it was looked.
    """

    cases: tuple[Inspected, ...]
    overall: tuple[Finding, ...]
    unpaired: int
    checks: Checks

    @property
    def findings(self) -> list[Finding]:
        """All of them: those of the dataset, then case by case."""
        return [*self.overall, *(finding for one in self.cases for finding in one.findings)]

    @property
    def errors(self) -> list[Finding]:
        """What must be mended before the dataset can be used as a whole."""
        return [finding for finding in self.findings if finding.is_error]


def survey(
    cases: Sequence[Case],
    told: Sequence[Finding] = (),
    checks: Checks = THOROUGH,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Inspect every case of a dataset; `told` is what its adapter said, with an error for each unpaired case.

    Work is shared among `workers` processes; the findings do not depend on their number. `progress` is told
    (cases done, cases in all). Raises nothing for a bad case: one never hides another.
    """
    inspected: list[Inspected] = []
    for one in _outcomes(cases, checks, workers):
        inspected.append(one)
        if progress:
            progress(len(inspected), len(cases))
    notes = Notes()
    _compare_ids(cases, notes)
    _compare_voxels(inspected, notes)
    unpaired = sum(finding.is_error for finding in told)
    return Survey(tuple(inspected), (*told, *notes.findings), unpaired, checks)


def _outcomes(cases: Sequence[Case], checks: Checks, workers: int) -> Iterator[Inspected]:
    """Each case inspected, in order."""
    if workers <= 1 or len(cases) <= 1:
        yield from (inspect(case, checks) for case in cases)
        return
    # Not fork: the parent may hold the threads and locks of other libraries.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(cases)), mp_context=context) as pool:
        futures = [pool.submit(inspect, case, checks) for case in cases]
        try:
            for case, future in zip(cases, futures, strict=True):
                yield _awaited(case, future)
        finally:
            pool.shutdown(cancel_futures=True)


def _awaited(case: Case, future: Future[Inspected]) -> Inspected:
    try:
        return future.result()
    except BrokenProcessPool:
        hint = "most likely killed for memory: use fewer workers"
        error = EnvironmentFault("not checked, a worker process died", where=case.case_id, hint=hint)
        return Inspected(case, (of_error(error, case.case_id),))


def _compare_ids(cases: Sequence[Case], notes: Notes) -> None:
    """Case ids are met once; subjects with several cases are told, because they share a role."""
    for case_id, times in sorted(Counter(case.case_id for case in cases).items()):
        if times > 1:
            hint = "give one copy of the data as the root"
            what = f"the case id is met {times} times"
            notes.error(DataError(what, where=case_id, hint=hint, code="UB329"))
    several: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        several[case.subject_id].add(case.case_id)
    for subject_id, ids in sorted(several.items()):
        if len(ids) > 1:
            what = f"{subject_id}: {len(ids)} cases, {', '.join(sorted(ids))}; they will share a role"
            notes.warn("subjects with several cases", what)


def _compare_voxels(inspected: Sequence[Inspected], notes: Notes) -> None:
    """No two images hold the same voxels; which of them is wrong nobody can say before roles are given."""
    holders: dict[str, list[str]] = defaultdict(list)
    for one in inspected:
        for modality, digest in one.voxels.items():
            holders[digest].append(f"{one.case.case_id} {modality}")
    for names in sorted(names for names in holders.values() if len(names) > 1):
        notes.warn("images with the same voxels", " = ".join(names))
