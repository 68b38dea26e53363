"""The exact curve of more voxels than fit in memory, in two passes over a source that can be read again.

The first pass keeps the scores of the positives. The second pass counts the negatives at these scores
(`streamed_curve`). Counts are integers, and values are computed from complete tables only, so the result is the same to
the last bit for any order of the volumes, any batch size and any number of workers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from uad_bench.errors import DataError, UsageError
from uad_bench.evaluate.curves.curve import Curve, split
from uad_bench.evaluate.curves.operating_points import Counts, Scores
from uad_bench.evaluate.curves.score_bins import at_least
from uad_bench.evaluate.curves.streamed_curve import (
    BATCH,
    NegativeCounter,
    StreamedCurve,
    VolumeNegatives,
    count_negatives,
)
from uad_bench.types import Scored


class Volume(NamedTuple):
    """The scores of one volume, flat, in any order: positives of lesion voxels, negatives of the other brain voxels.

    missed: the number of lesion voxels without a score.
    """

    positives: Scores
    negatives: Scores
    missed: int = 0


def stream(
    source: Iterable[Volume | Scored],
    *,
    thresholds: Iterable[float] = (),
    batch: int = BATCH,
    workers: int = 1,
) -> StreamedCurve:
    """The curve of all volumes together; takes up to 44 bytes for a distinct positive and 4 for a negative of a batch.

    source: read twice, with the same volumes in any order; maps of one precision. thresholds: those for which
    `counts_at` will be called. Raises UsageError for an iterator, which can be read only once, DataError where the
    second pass has other voxels, PluginError for a score that is not finite.

    >>> import numpy as np
    >>> volumes = [Volume(np.float32([3]), np.float32([1, 4])), Volume(np.float32([2]), np.float32([0]))]
    >>> curve = stream(volumes, thresholds=[2.0])
    >>> round(curve.ap(), 3), curve.counts_at(2.0)
    (0.583, (2, 1, 0))
    """
    if iter(source) is source:
        raise UsageError("the source of volumes can be read only once", hint="pass a list, not an iterator")
    counter = NegativeCounter(Curve.pool([_positives(volume) for volume in map(_volume, source)]), thresholds)
    n_positives: list[int] = []
    count_negatives(_negatives(source, counter, n_positives), batch=batch, workers=workers)
    curve = counter.curve()
    if sum(n_positives) != curve.n_found:
        what = f"the second pass read {sum(n_positives)} lesion voxels, the first pass {curve.n_found}"
        raise DataError(what)
    return curve


def _negatives(
    source: Iterable[Volume | Scored], counter: NegativeCounter, n_positives: list[int]
) -> Iterator[VolumeNegatives]:
    """The negatives to count; the number of positives of each volume is appended to `n_positives`."""
    for volume in map(_volume, source):
        n_positives.append(volume.positives.size)
        yield VolumeNegatives(volume.negatives, (counter,))


Members = Mapping[str, Mapping[str, Curve]]


class SecondPass:
    """Counts the negatives of several pools that share cases, in one pass over the cases.

    members: for each pool, by case id, a curve with the positives of the case. thresholds: those for which `counts_at`
    will be called. by_case: the pools whose cases are also counted one by one, at the edges of the bins of the pool.

    Pools of the same cases share one counter. A counter takes its positives and 12 bytes for each distinct score.
    Strata that divide the cases therefore take as much memory again as the pool of all cases, and each batch is
    sorted and searched once more, in parts; it is in memory twice meanwhile, so its size is two thirds of that of
    `stream`. A pool of `by_case` takes up to 16 KiB for each case.
    """

    def __init__(
        self, members: Members, thresholds: Iterable[float] = (), by_case: Iterable[str] = ()
    ) -> None:
        thresholds = tuple(thresholds)
        self._members = members
        self._shared: dict[frozenset[str], NegativeCounter] = {}
        for curves in members.values():
            ids = frozenset(curves)
            if ids not in self._shared:
                self._shared[ids] = NegativeCounter(Curve.pool(curves.values()), thresholds)
        self._counters = {name: self._shared[frozenset(curves)] for name, curves in members.items()}
        self._edges = {name: self._counters[name].edges for name in by_case}
        #: For each pool of `by_case`, by case id: the number of negatives at or above each edge, (K,).
        self.at_edges: dict[str, dict[str, Counts]] = {name: {} for name in self._edges}

    def run(self, source: Iterable[Scored], *, batch: int = BATCH, workers: int = 1) -> None:
        """Read the cases and count. Raises DataError where the number of a case's lesion voxels has changed."""
        overlapping = sum(map(len, self._shared)) > len(frozenset().union(*self._shared))
        count_negatives(self._volumes(source), batch=batch, workers=workers, overlapping=overlapping)

    def curve(self, name: str) -> StreamedCurve:
        """The curve of a pool; computed at every call."""
        return self._counters[name].curve()

    def finished(self, name: str) -> StreamedCurve:
        """The curve of a pool, whose counts are dropped: it cannot be asked for again, by no name of these cases."""
        counter = self._shared.pop(frozenset(self._members[name]))
        self._counters = {other: one for other, one in self._counters.items() if one is not counter}
        return counter.curve()

    def _volumes(self, source: Iterable[Scored]) -> Iterator[VolumeNegatives]:
        for scored in source:
            names = [name for name, curves in self._members.items() if scored.case_id in curves]
            if names:
                positives, negatives, _ = split(scored)
                if positives.size != self._members[names[0]][scored.case_id].n_found:
                    where = f"case {scored.case_id}"
                    raise DataError("the second pass read other lesion voxels than the first", where=where)
                counters = dict.fromkeys(self._counters[name] for name in names)
                by_case = [name for name in names if name in self._edges]
                on_sorted = partial(self._count_case, scored.case_id, by_case) if by_case else None
                yield VolumeNegatives(negatives, tuple(counters), on_sorted)

    def _count_case(self, case_id: str, names: Sequence[str], run: Scores) -> None:
        for name in names:
            self.at_edges[name][case_id] = at_least([run], self._edges[name])


def _volume(item: Volume | Scored) -> Volume:
    return Volume(*split(item)) if isinstance(item, Scored) else item


def _positives(volume: Volume) -> Curve:
    return Curve.from_split(volume.positives, volume.negatives[:0], volume.missed)
