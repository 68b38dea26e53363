"""Many cases prepared by one process or by several; one that fails never hides another."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from uad_bench.data.nifti.validation import check_ids
from uad_bench.errors import DataError, EnvironmentFault, UadError
from uad_bench.prepare.cache.prepared_case import PreparedCase, Steps, prepared, warm
from uad_bench.prepare.chain import parse_steps
from uad_bench.types import Case

Failures = list[tuple[Case, UadError]]
Job = tuple[Case, Sequence[str], Steps, Path]


def prepare_all(
    cases: Sequence[Case],
    modalities: Sequence[str],
    steps: Sequence[Mapping[str, Any]],
    cache_dir: Path,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[PreparedCase], Failures]:
    """All cases in their order, and every one that failed with its error.

    Work is shared among `workers` processes of one thread each; the result does not depend on their number.
    `progress` is told (cases done, cases in all). Raises UsageError and IntegrityError or DataError for steps
    and ids, before any file is opened.
    """
    check_ids(cases)
    parse_steps(steps)
    done: list[PreparedCase] = []
    failures: Failures = []
    outcomes = _outcomes([(case, modalities, steps, cache_dir) for case in cases], workers)
    for number, (case, outcome) in enumerate(zip(cases, outcomes, strict=True), start=1):
        if isinstance(outcome, PreparedCase):
            done.append(outcome)
        else:
            failures.append((case, outcome))
        if progress:
            progress(number, len(cases))
    return done, failures


def _outcomes(jobs: Sequence[Job], workers: int) -> Iterator[PreparedCase | UadError]:
    """The outcome of each job in order. Only jobs that are not in the cache yet reach another process."""
    ready = [_warm(job) for job in jobs]
    if workers <= 1 or ready.count(None) <= 1:
        yield from (found or _attempt(job) for found, job in zip(ready, jobs, strict=True))
        return
    # Not fork: the parent may hold the threads and locks of torch.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, ready.count(None)), mp_context=context) as pool:
        futures = [found or pool.submit(_attempt, job) for found, job in zip(ready, jobs, strict=True)]
        try:
            for future, job in zip(futures, jobs, strict=True):
                yield future if isinstance(future, PreparedCase) else _awaited(future, job)
        finally:
            pool.shutdown(cancel_futures=True)


def _awaited(future: Future[PreparedCase | UadError], job: Job) -> PreparedCase | UadError:
    try:
        return future.result()
    except BrokenProcessPool:
        hint = "most likely killed for memory: use fewer workers"
        return EnvironmentFault("a worker process died", where=job[0].case_id, hint=hint)


def _warm(job: Job) -> PreparedCase | None:
    try:
        return warm(*job)
    except UadError:
        return None


def _attempt(job: Job) -> PreparedCase | UadError:
    """One case, in whichever process. What a library throws at an odd scan must not end the others' work."""
    try:
        return prepared(*job)
    except UadError as error:
        return error
    except MemoryError:
        return EnvironmentFault("out of memory", where=job[0].case_id, hint="use fewer workers")
    except Exception as error:  # told with its case at the end
        what = f"preparation failed: {type(error).__name__}: {error}"
        return DataError(
            what, where=job[0].case_id, hint="look at the scan, or leave the case out", code="UB339"
        )
