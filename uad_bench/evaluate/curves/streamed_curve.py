"""Negatives counted at known thresholds, batch by batch, so that none of them has to be kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from uad_bench.errors import UsageError
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.operating_points import OperatingPoints, Scores
from uad_bench.evaluate.curves.score_bins import edges_of
from uad_bench.evaluate.curves.sorted_scores import add_counts, distinct, refuse_nonfinite

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
    """Negatives counted at the distinct positives of a pool and at some probes, in any order, by any thread.

    12 bytes a distinct positive beside the positives themselves, 20 once 2^32 negatives were counted.
    """

    def __init__(self, pool: Curve, probes: Iterable[float] = ()) -> None:
        self._pool, self._lock = pool, Lock()
        self._values = distinct(pool.positives)[0]
        self._below: npt.NDArray[np.unsignedinteger[Any]] = np.zeros(self._values.size, np.uint32)
        self._up_to: npt.NDArray[np.unsignedinteger[Any]] = np.zeros(self._values.size, np.uint32)
        self._probes = dict.fromkeys(probes, 0)
        self._n = 0

    @property
    def edges(self) -> Scores:
        """Where the bins of resamples begin, (K,)."""
        return edges_of(self._pool.positives)

    def add(self, run: Scores) -> None:
        """Count the sorted scores of a batch of negatives."""
        probed = {probe: run.size - int(run.searchsorted(run.dtype.type(probe))) for probe in self._probes}
        with self._lock:
            self._n += run.size
            if self._n >> 32 and self._below.dtype == np.uint32:
                self._below, self._up_to = self._below.astype(np.uint64), self._up_to.astype(np.uint64)
            for probe, n in probed.items():
                self._probes[probe] += n
        for start in range(0, self._values.size, 1 << 20):  # in stretches, so that few counts are held twice
            self._add(run, slice(start, start + (1 << 20)))

    def _add(self, run: Scores, part: slice) -> None:
        values = self._values[part]
        below, up_to = np.zeros(values.size, np.int64), np.zeros(values.size, np.int64)
        add_counts(run, values, below, up_to)
        with self._lock:
            for total, counts in ((self._below, below), (self._up_to, up_to)):
                total[part] += counts.astype(total.dtype)

    def curve(self) -> StreamedCurve:
        """The curve of all that was counted so far; its table takes 28 bytes a distinct positive more."""
        pool = self._pool
        values, at = distinct(pool.positives)
        below, up_to = self._below.astype(np.int64), self._up_to.astype(np.int64)
        table = OperatingPoints.counted(values, at, below, up_to, pool.missed, self._n)
        return StreamedCurve(
            pool.positives, (), pool.missed, pool.regions, table=table, probes=dict(self._probes)
        )


class Portion(NamedTuple):
    """The negatives of one volume, unsorted, where they count, and who looks at them sorted."""

    scores: Scores
    tallies: Sequence[Tally]
    look: Callable[[Scores], None] | None = None


def count(
    negatives: Iterable[Portion], *, batch: int = BATCH, workers: int = 1, copies: bool = False
) -> None:
    """Add the scores of each volume's negatives to its tallies; a tally searches those of a batch as one.

    copies: tallies take different volumes, so that a batch is held twice while it is sorted for each; batches are
    smaller then.
    """
    room = max(1, batch // (workers * (1 + copies) + 1))  # one more is gathered meanwhile
    with ThreadPoolExecutor(workers) as pool:  # numpy lets go of the interpreter while it sorts and searches
        running: set[Future[None]] = set()
        for portions in _batches(negatives, room):
            if len(running) >= workers:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
            running.add(pool.submit(_count, portions))
        for future in running:
            future.result()


def _batches(negatives: Iterable[Portion], room: int) -> Iterator[list[Portion]]:
    """Lists of about `room` scores each; who takes one empties it."""
    held: list[Portion] = []
    n = 0
    for portion in negatives:
        held.append(portion)
        n += portion.scores.size
        if n >= room:
            yield held
            held, n = [], 0
    yield held


def _count(held: list[Portion]) -> None:
    """Sort the scores once for each set of volumes that tallies take, and count them; `held` is emptied."""
    for portion in held:
        if portion.look:
            portion.scores.sort()
            portion.look(portion.scores)
    wanted = _by_volumes(held)
    parts = [portion.scores for portion in held]
    held.clear()
    for place, (volumes, tallies) in enumerate(wanted):
        chosen = [parts[k] for k in volumes]
        if place + 1 == len(wanted):
            parts.clear()  # `_joined` lets go of each
        scores = _joined(chosen)
        scores.sort()
        refuse_nonfinite(scores)
        for tally in tallies:
            tally.add(scores)


def _by_volumes(held: Sequence[Portion]) -> list[tuple[tuple[int, ...], list[Tally]]]:
    """Each set of volumes that tallies take, with these tallies, the largest last."""
    volumes: dict[Tally, list[int]] = {}
    for place, portion in enumerate(held):
        for tally in portion.tallies:
            volumes.setdefault(tally, []).append(place)
    sets: dict[tuple[int, ...], list[Tally]] = {}
    for tally, places in volumes.items():
        sets.setdefault(tuple(places), []).append(tally)
    return sorted(sets.items(), key=lambda item: len(item[0]))


def _joined(parts: list[Scores]) -> Scores:
    """The parts as one array; each is let go of once it is copied, so that memory holds them about once."""
    joined: Scores = np.empty(sum(part.size for part in parts), np.result_type(np.float16, *parts))
    end = joined.size
    while parts:
        part = parts.pop()
        joined[end - part.size : end] = part
        end -= part.size
    return joined
