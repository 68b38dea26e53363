"""Many cases prepared, by this process or by several; a case that fails never stops or hides another."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from uad_bench.data.nifti.validation import check_brain_volume, check_ids
from uad_bench.errors import DataError, EnvironmentFault, UadError
from uad_bench.prepare.cache.prepared_case import PreparedCase, find_prepared, prepare_case
from uad_bench.prepare.chain import parse_steps
from uad_bench.support.process_pool import LibraryError, WorkerDied, calls
from uad_bench.support.progress import Ticker
from uad_bench.support.text import first_names
from uad_bench.types import Case

log = logging.getLogger(__name__)

Failures = list[tuple[Case, UadError]]


@dataclass(frozen=True)
class Preparation:
    """How cases are prepared: modalities and steps of the protocol, the cache folder, the number of processes."""

    modalities: Sequence[str]
    steps: Sequence[Mapping[str, Any]]
    cache: Path
    workers: int = 1


def prepare_cases(
    cases: Sequence[Case], how: Preparation, what: str = "prepare"
) -> tuple[list[PreparedCase], Failures]:
    """All cases in their order, and every case that failed with its error.

    what: the words in front of the progress messages. The result does not depend on the number of processes. Raises
    UsageError and IntegrityError or DataError for steps and case ids before any file is opened.
    """
    check_ids(cases)
    parse_steps(how.steps)
    done: list[PreparedCase] = []
    failures: Failures = []
    ticker = Ticker(what)
    for number, (case, call) in enumerate(zip(cases, _calls(cases, how), strict=True), start=1):
        try:
            done.append(_plausible(call()))
        except Exception as error:  # reported with its case at the end
            failures.append((case, _failure(case, error)))
        ticker(number, len(cases))
    _warn_of_no_lesion(done)
    return done, failures


def _warn_of_no_lesion(cases: Sequence[PreparedCase]) -> None:
    """A warning that names the cases that should have lesions and whose prepared lesion mask is empty."""
    patients = [one for one in cases if not one.case.healthy]
    empty = [one.case.case_id for one in patients if one.has_empty_lesion_mask()]
    if empty:
        what = "no lesion voxel in %d of %d cases that are not declared healthy, AP is undefined there: %s"
        log.warning(what, len(empty), len(patients), first_names(empty))


def _calls(cases: Sequence[Case], how: Preparation) -> Iterator[Callable[[], PreparedCase]]:
    """A call for each case; only cases that are not in the cache yet reach another process."""
    ready = [_cached(case, how) for case in cases]
    work = partial(prepare_case, modalities=how.modalities, steps=how.steps, cache_dir=how.cache)
    others = calls(work, [case for case, found in zip(cases, ready, strict=True) if not found], how.workers)
    for found in ready:
        yield partial(_same, found) if found else next(others)


def _plausible(ready: PreparedCase) -> PreparedCase:
    """The case. Raises DataError where its brain has no plausible volume (UB336), be it from the cache or not."""
    for step in ready.record["steps"]:
        if "ml" in step["figures"]:
            check_brain_volume(float(step["figures"]["ml"]), ready.case.case_id)
    return ready


def _same(found: PreparedCase) -> PreparedCase:
    return found


def _cached(case: Case, how: Preparation) -> PreparedCase | None:
    """The case where it is prepared already; None where work is left, be it only to report an error."""
    try:
        return find_prepared(case, how.modalities, how.steps, how.cache)
    except UadError:
        return None


def _failure(case: Case, error: Exception) -> UadError:
    """The error of one case, whatever a library raised at it."""
    if isinstance(error, WorkerDied):
        return WorkerDied(error.what, where=case.case_id, hint=error.hint)
    if isinstance(error, UadError):
        return error
    if isinstance(error, MemoryError):
        return EnvironmentFault("out of memory", where=case.case_id, hint="use fewer workers")
    text = str(error) if isinstance(error, LibraryError) else f"{type(error).__name__}: {error}"
    hint = "look at the scan, or leave the case out"
    return DataError(f"preparation failed: {text}", where=case.case_id, hint=hint, code="UB339")
