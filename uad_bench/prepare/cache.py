"""Prepared cases: made once, found again without opening a source file, by one process or by several."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from uad_bench.config import digest
from uad_bench.data.checks import check_ids
from uad_bench.errors import DataError, EnvironmentFault, UadError
from uad_bench.prepare.chain import parse_steps
from uad_bench.prepare.entry import entry_folder, make_entry, read_entry
from uad_bench.types import Case, Scan, Truth

Steps = Sequence[Mapping[str, Any]]
Failures = list[tuple[str, UadError]]


@dataclass(frozen=True)
class PreparedCase:
    """A case and its entry in the cache. Arrays are read when asked for."""

    case: Case
    folder: Path
    record: Mapping[str, Any]

    @property
    def content(self) -> str:
        """12 hex digits of the prepared voxels, masks included."""
        return digest(dict(self.record["files"]))

    def scan(self) -> Scan:
        """What a method may see."""
        affine = np.array(self.record["affine"])
        x, y, z = (float(size) for size in np.linalg.norm(affine[:3, :3], axis=0))
        image, brain_mask = self._array("image"), self._array("brain_mask")
        modalities = tuple(self.record["modalities"])
        return Scan(self.case.case_id, modalities, image, brain_mask, affine, (x, y, z))

    def truth(self) -> Truth:
        """What evaluation may see: no lesion at all for a healthy case.

        Raises DataError where the case is not healthy and has no lesion mask (UB333).
        """
        if self.case.lesion_mask is not None:
            return Truth(self.case.case_id, self._array("lesion_mask"), int(self.record["lost"]))
        if not self.case.healthy:
            hint = "leave the case out of the evaluation"
            raise DataError("no lesion mask", where=self.case.case_id, hint=hint, code="UB333")
        return Truth(self.case.case_id, np.zeros(self._array("brain_mask").shape, dtype=np.bool_))

    def _array(self, name: str) -> npt.NDArray[Any]:
        # Not a memory map: that would carry the folder's name, where the lesion mask lies, to the method.
        array: npt.NDArray[Any] = np.load(self.folder / f"{name}.npy", allow_pickle=False)
        array.flags.writeable = False
        return array


def prepared(case: Case, modalities: Sequence[str], steps: Steps, cache_dir: Path) -> PreparedCase:
    """The case from the cache, made first where its entry is not there or not whole.

    Raises what `run_chain` and `entry_folder` raise, and EnvironmentFault where the cache cannot be written.
    """
    folder = entry_folder(case, modalities, steps, cache_dir)
    record = read_entry(folder)
    if record is None:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                record = read_entry(folder) or make_entry(case, modalities, steps, folder)
        except OSError as error:
            what = f"cannot write the cache: {error.strerror or error}"
            hint = "free some space, or name another cache folder"
            raise EnvironmentFault(what, where=str(cache_dir), hint=hint) from error
    return PreparedCase(case, folder, record)


def prepare_all(
    cases: Sequence[Case],
    modalities: Sequence[str],
    steps: Steps,
    cache_dir: Path,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[PreparedCase], Failures]:
    """All cases in their order, and every one that failed with its error; one never hides another.

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
            failures.append((case.case_id, outcome))
        if progress:
            progress(number, len(cases))
    return done, failures


Job = tuple[Case, Sequence[str], Steps, Path]
Told = tuple[type[UadError], str, str, str, str]


def _outcomes(jobs: Sequence[Job], workers: int) -> Iterator[PreparedCase | UadError]:
    """The outcome of each job in order. Only jobs that are not in the cache yet reach another process."""
    if workers <= 1:
        yield from (_outcome(_attempt(job)) for job in jobs)
        return
    # Not fork: the parent may hold the threads and locks of torch. No job, no process.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [_warm(job) or pool.submit(_attempt, job) for job in jobs]
        try:
            for future, job in zip(futures, jobs, strict=True):
                yield future if isinstance(future, PreparedCase) else _awaited(future, job)
        finally:
            pool.shutdown(cancel_futures=True)


def _awaited(future: Future[PreparedCase | Told], job: Job) -> PreparedCase | UadError:
    try:
        return _outcome(future.result())
    except BrokenProcessPool:
        hint = "most likely killed for memory: use fewer workers"
        return EnvironmentFault("a worker process died", where=job[0].case_id, hint=hint)


def _warm(job: Job) -> PreparedCase | None:
    """The case where its entry is whole already, None where work is left, be it only to tell an error."""
    try:
        folder = entry_folder(*job)
    except UadError:
        return None
    record = read_entry(folder)
    return PreparedCase(job[0], folder, record) if record else None


def _attempt(job: Job) -> PreparedCase | Told:
    """One case, in whichever process; an error as plain words, because exceptions do not travel well."""
    try:
        return prepared(*job)
    except UadError as error:
        return type(error), error.what, error.where, error.hint, error.code


def _outcome(told: PreparedCase | Told) -> PreparedCase | UadError:
    if isinstance(told, PreparedCase):
        return told
    kind, what, where, hint, code = told
    return kind(what, where=where, hint=hint, code=code)
