"""Negatives counted at known thresholds, batch by batch, so that none of them has to be kept."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

import numpy as np

from uad_bench.errors import UsageError
from uad_bench.evaluate.counting import add_counts, distinct, refuse_nonfinite
from uad_bench.evaluate.curve import Curve
from uad_bench.evaluate.points import OperatingPoints, Scores

#: Negatives held at once, those being gathered and those of all workers together: 512 MiB of float32.
BATCH = 1 << 27


@dataclass(frozen=True, eq=False)
class StreamedCurve(Curve):
    """A curve whose negatives were counted and are gone; `counts_at` answers at the probes alone.

    table: its operating points; probes: false positives at each threshold that was asked for beforehand.
    """

    table: OperatingPoints = field(kw_only=True)
    probes: Mapping[float, int] = field(kw_only=True)

    @cached_property
    def points(self) -> OperatingPoints:
        """The table of operating points."""
        return self.table

    @cached_property
    def n_negative(self) -> int:
        """Voxels of the brain that are not lesion."""
        return self.table.n_negative

    def _false_at(self, threshold: float) -> int:
        if threshold not in self.probes:
            hint = "name it among the probes, or give more memory"
            raise UsageError(f"threshold {threshold} was not counted while the voxels streamed by", hint=hint)
        return self.probes[threshold]


class Tally:
    """Negatives counted at the distinct positives of a pool and at some probes, in any order, by any thread."""

    def __init__(self, pool: Curve, probes: Iterable[float] = ()) -> None:
        self._pool, self._lock = pool, Lock()
        self._values, self._at = distinct(pool.positives)
        self._below = np.zeros(self._values.size, np.int64)
        self._up_to = np.zeros(self._values.size, np.int64)
        self._probes = dict.fromkeys(probes, 0)
        self._n = 0

    def add(self, run: Scores) -> None:
        """Count the sorted scores of a batch of negatives."""
        probed = {probe: run.size - int(run.searchsorted(run.dtype.type(probe))) for probe in self._probes}
        with self._lock:
            self._n += run.size
            for probe, n in probed.items():
                self._probes[probe] += n
        for start in range(0, self._values.size, 1 << 20):  # in stretches, so that few counts are held twice
            self._add(run, slice(start, start + (1 << 20)))

    def _add(self, run: Scores, part: slice) -> None:
        values = self._values[part]
        below, up_to = np.zeros(values.size, np.int64), np.zeros(values.size, np.int64)
        add_counts(run, values, below, up_to)
        with self._lock:
            self._below[part] += below
            self._up_to[part] += up_to

    def curve(self) -> StreamedCurve:
        """The curve of all that was counted; the tally is spent."""
        pool, counts = self._pool, (self._at, self._below, self._up_to)
        table = OperatingPoints.counted(self._values, *counts, pool.missed, self._n)
        return StreamedCurve(pool.positives, (), pool.missed, pool.regions, table=table, probes=self._probes)


def count(
    negatives: Iterable[tuple[Scores, Sequence[Tally]]], *, batch: int = BATCH, workers: int = 1
) -> None:
    """Add the scores of each volume's negatives to its tallies; sorting is shared by volumes with the same ones."""
    room = max(1, batch // (workers + 1))  # one more is gathered meanwhile
    with ThreadPoolExecutor(workers) as pool:  # numpy lets go of the interpreter while it sorts and searches
        running: set[Future[None]] = set()
        for job in _batches(negatives, room):
            if len(running) >= workers:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
            running.add(pool.submit(job))
        for future in running:
            future.result()


def _batches(negatives: Iterable[tuple[Scores, Sequence[Tally]]], room: int) -> Iterator[Callable[[], None]]:
    """Jobs that count about `room` scores each; volumes that go to the same tallies are sorted as one."""
    held: dict[Hashable, tuple[Sequence[Tally], list[Scores]]] = {}
    n = 0
    for scores, tallies in negatives:
        held.setdefault(tuple(map(id, tallies)), (tallies, []))[1].append(scores)
        n += scores.size
        if n >= room:
            yield _job(list(held.values()))
            held, n = {}, 0
    yield _job(list(held.values()))


def _job(held: list[tuple[Sequence[Tally], list[Scores]]]) -> Callable[[], None]:
    def run() -> None:
        while held:
            tallies, parts = held.pop()
            scores = _joined(parts)
            scores.sort()
            refuse_nonfinite(scores)
            for tally in tallies:
                tally.add(scores)

    return run


def _joined(parts: list[Scores]) -> Scores:
    """The parts as one array; each is let go of once it is copied, so that memory holds them about once."""
    joined: Scores = np.empty(sum(part.size for part in parts), np.result_type(*parts))
    end = joined.size
    while parts:
        part = parts.pop()
        joined[end - part.size : end] = part
        end -= part.size
    return joined
