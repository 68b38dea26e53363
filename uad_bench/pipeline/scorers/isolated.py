"""A method that scores in a process of its own: one that hangs or crashes costs a case and not the run."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from uad_bench.cohort.cohort import Member, with_modalities
from uad_bench.config import RunSpec
from uad_bench.errors import PluginError
from uad_bench.pipeline.model import context, stored
from uad_bench.pipeline.run_job import RunJob, Workplace
from uad_bench.results.run_directory import RunDir
from uad_bench.types import FloatArray

if TYPE_CHECKING:
    from uad_bench.method.base import Method

#: The code of a case whose method was ended or ended itself.
ENDED = "UB405"


@contextmanager
def isolated(job: RunJob) -> Iterator[Callable[[Member], FloatArray]]:
    """A function that scores one member in another process, which is replaced after a timeout or a crash.

    The function raises PluginError: UB405 for a timeout or a crash, else as `score_scan`.
    """
    process = _Process(job)
    try:
        yield process.score
    finally:
        process.end()


class _Process:
    """One process with the method loaded, and what takes its place."""

    def __init__(self, job: RunJob) -> None:
        self._job = job
        self._pool: ProcessPoolExecutor | None = None

    def score(self, member: Member) -> FloatArray:
        """The map of a member."""
        spec, place, limit = self._job.spec, self._job.place, self._job.place.case_timeout_s
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, get_context("spawn"))
        where = f"{spec.method}.score, case {member.case.case_id}"
        try:
            # Loading the method is not part of the limit.
            self._pool.submit(_load, self._job.directory.path, spec, place).result()
            return self._pool.submit(_score, self._job.directory.path, spec, place, member).result(limit)
        except TimeoutError:
            self.end()
            hint = "raise --case-timeout, or look at the case"
            raise PluginError(f"no answer within {limit:g} s", where=where, hint=hint, code=ENDED) from None
        except BrokenProcessPool:
            self.end()
            hint = "killed for memory, or a crash in native code"
            raise PluginError("the process of the method died", where=where, hint=hint, code=ENDED) from None

    def end(self) -> None:
        """End the process at once."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.kill()
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


#: In the worker: the method that was loaded last, by its run directory and specification.
_loaded: dict[tuple[Path, str], "Method"] = {}


def _load(folder: Path, spec: RunSpec, place: Workplace) -> None:
    key = (folder, spec.model_dump_json())
    if key not in _loaded:
        _loaded.clear()
        _loaded[key] = stored(RunDir(folder), spec, place)


def _score(folder: Path, spec: RunSpec, place: Workplace, member: Member) -> FloatArray:
    from uad_bench.method.guard import score_scan

    method = _loaded[folder, spec.model_dump_json()]
    scan = with_modalities(member.prepared.scan(), spec.modalities)
    return score_scan(method, scan, context(spec, place), spec.method)
