"""Counts of negatives at known thresholds, batch by batch, so that the negatives need not be kept in memory."""

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

#: Negatives in memory at a time, those being gathered and those of all workers together: 256 MiB of float32.
BATCH = 1 << 26
#: Values counted together, so that few counts are in memory twice.
_PART = 1 << 20


@dataclass(frozen=True, eq=False)
class StreamedCurve(Curve):
    """A curve whose negatives were counted and not kept; `counts_at` has an answer for some thresholds only.

    table: its operating points. false_positives: their number at each threshold that was requested before counting.
    """

    table: OperatingPoints = field(kw_only=True)
    false_positives: Mapping[float, int] = field(kw_only=True)

    @classmethod
    def counted(cls, curve: Curve, thresholds: Iterable[float]) -> "StreamedCurve":
        """The same curve without its negatives; `counts_at` has an answer for these thresholds.

        >>> full = Curve.from_split(np.float32([2]), np.float32([1, 3]))
        >>> StreamedCurve.counted(full, [1.0]).counts_at(1.0)
        (1, 2, 0)
        """
        counts = {threshold: curve.counts_at(threshold)[1] for threshold in thresholds}
        return cls(curve.positives, (), curve.missed, None, table=curve.points, false_positives=counts)

    @cached_property
    def points(self) -> OperatingPoints:
        """The operating points, one for each distinct score of a positive."""
        return self.table

    @cached_property
    def n_negative(self) -> int:
        """The number of brain voxels that are not lesion."""
        return self.table.n_negative

    def _false_at(self, threshold: float) -> int:
        if threshold not in self.false_positives:
            hint = "request it before the voxels are counted, or allow more memory"
            raise UsageError(f"the voxels were not counted at threshold {threshold}", hint=hint)
        return self.false_positives[threshold]


class NegativeCounter:
    """Counts negatives at the distinct scores of a pool's positives and at some thresholds, in any order and thread.

    It takes 12 bytes for a distinct score in addition to the positives, 20 bytes after 2^32 negatives.

    >>> pool = Curve.from_split(np.float32([2]), np.float32([]))
    >>> counter = NegativeCounter(pool, thresholds=[1.0])
    >>> counter.add(np.float32([1, 3]))  # sorted
    >>> counter.curve().ap(), counter.curve().counts_at(1.0)
    (0.5, (1, 2, 0))
    """

    def __init__(self, pool: Curve, thresholds: Iterable[float] = ()) -> None:
        self._pool, self._lock = pool, Lock()
        self._values = distinct(pool.positives)[0]
        self._below: npt.NDArray[np.unsignedinteger[Any]] = np.zeros(self._values.size, np.uint32)
        self._up_to: npt.NDArray[np.unsignedinteger[Any]] = np.zeros(self._values.size, np.uint32)
        self._false_positives = dict.fromkeys(thresholds, 0)
        self._n = 0

    @property
    def edges(self) -> Scores:
        """The edges of the bins for resamples, (K,)."""
        return edges_of(self._pool.positives)

    def add(self, run: Scores) -> None:
        """Count the sorted scores of a batch of negatives."""
        called = {t: run.size - int(run.searchsorted(run.dtype.type(t))) for t in self._false_positives}
        with self._lock:
            self._n += run.size
            if self._n >> 32 and self._below.dtype == np.uint32:
                self._below, self._up_to = self._below.astype(np.uint64), self._up_to.astype(np.uint64)
            for threshold, n in called.items():
                self._false_positives[threshold] += n
        for start in range(0, self._values.size, _PART):
            self._add(run, slice(start, start + _PART))

    def _add(self, run: Scores, part: slice) -> None:
        values = self._values[part]
        below, up_to = np.zeros(values.size, np.int64), np.zeros(values.size, np.int64)
        add_counts(run, values, below, up_to)
        with self._lock:
            for total, counts in ((self._below, below), (self._up_to, up_to)):
                total[part] += counts.astype(total.dtype)

    def curve(self) -> StreamedCurve:
        """The curve of all that was counted so far; its table takes another 28 bytes for a distinct score."""
        pool = self._pool
        values, at = distinct(pool.positives)
        below, up_to = self._below.astype(np.int64), self._up_to.astype(np.int64)
        table = OperatingPoints.counted(values, at, below, up_to, pool.missed, self._n)
        counts = dict(self._false_positives)
        return StreamedCurve(
            pool.positives, (), pool.missed, pool.regions, table=table, false_positives=counts
        )


class VolumeNegatives(NamedTuple):
    """The unsorted negatives of one volume and the counters that count them.

    on_sorted: called with the sorted scores of this volume alone; None: nothing.
    """

    scores: Scores
    counters: Sequence[NegativeCounter]
    on_sorted: Callable[[Scores], None] | None = None


def count_negatives(
    volumes: Iterable[VolumeNegatives], *, batch: int = BATCH, workers: int = 1, overlapping: bool = False
) -> None:
    """Add the negatives of each volume to its counters; the volumes of a batch are sorted and searched together.

    overlapping: the counters take different sets of volumes. A batch is then in memory twice while it is sorted for
    each set, so batches are smaller.
    """
    room = max(1, batch // (workers * (1 + overlapping) + 1))  # one more batch is gathered meanwhile
    with ThreadPoolExecutor(
        workers
    ) as pool:  # numpy releases the interpreter lock while it sorts and searches
        running: set[Future[None]] = set()
        for members in _batches(volumes, room):
            if len(running) >= workers:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
            running.add(pool.submit(_count, members))
        for future in running:
            future.result()


def _batches(volumes: Iterable[VolumeNegatives], room: int) -> Iterator[list[VolumeNegatives]]:
    """Lists of about `room` scores each; the receiver empties the list."""
    members: list[VolumeNegatives] = []
    n = 0
    for volume in volumes:
        members.append(volume)
        n += volume.scores.size
        if n >= room:
            yield members
            members, n = [], 0
    yield members


def _count(members: list[VolumeNegatives]) -> None:
    """Sort the scores once for each set of volumes that counters take, and count them; `members` is emptied."""
    for volume in members:
        if volume.on_sorted:
            volume.scores.sort()
            volume.on_sorted(volume.scores)
    sets = _sets_of_volumes(members)
    parts = [volume.scores for volume in members]
    members.clear()
    for number, (indices, counters) in enumerate(sets):
        chosen = [parts[k] for k in indices]
        if number + 1 == len(sets):
            parts.clear()  # `_joined` frees each part after copying it
        scores = _joined(chosen)
        scores.sort()
        refuse_nonfinite(scores)
        for counter in counters:
            counter.add(scores)


def _sets_of_volumes(
    members: Sequence[VolumeNegatives],
) -> list[tuple[tuple[int, ...], list[NegativeCounter]]]:
    """Each set of volumes that counters take, as indices, with these counters; the largest set last."""
    volumes: dict[NegativeCounter, list[int]] = {}
    for index, volume in enumerate(members):
        for counter in volume.counters:
            volumes.setdefault(counter, []).append(index)
    sets: dict[tuple[int, ...], list[NegativeCounter]] = {}
    for counter, indices in volumes.items():
        sets.setdefault(tuple(indices), []).append(counter)
    return sorted(sets.items(), key=lambda item: len(item[0]))


def _joined(parts: list[Scores]) -> Scores:
    """The parts as one array; each is freed after it is copied, so that the scores are in memory about once."""
    joined: Scores = np.empty(sum(part.size for part in parts), np.result_type(np.float16, *parts))
    end = joined.size
    while parts:
        part = parts.pop()
        joined[end - part.size : end] = part
        end -= part.size
    return joined
