"""The exact curve of more voxels than memory holds, in two passes over a source that can be gone through again.

The first pass keeps the positives; the second counts the negatives at the distinct positive values (`tally`). Counts
are integers, and only whole tables are ever turned into numbers, so the result has the same bits for any order of
the volumes, size of a batch and number of workers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from uad_bench.errors import DataError, UsageError
from uad_bench.evaluate.curves.curve import Curve, split
from uad_bench.evaluate.curves.operating_points import Counts, Scores
from uad_bench.evaluate.curves.score_bins import at_least
from uad_bench.evaluate.curves.streamed_curve import BATCH, Portion, StreamedCurve, Tally, count
from uad_bench.types import Scored


class Volume(NamedTuple):
    """One volume: scores of lesion voxels and of the brain's others, flat, any order; lesion voxels outside it."""

    positives: Scores
    negatives: Scores
    missed: int = 0


def stream(
    source: Iterable[Volume | Scored], *, probes: Iterable[float] = (), batch: int = BATCH, workers: int = 1
) -> StreamedCurve:
    """The curve of all volumes together, at up to 44 bytes a distinct positive and 4 a negative of the batch.

    source: re-iterable, gone through twice, with the same volumes in any order; maps of one width. probes:
    thresholds that `counts_at` shall know. Raises UsageError for a source that can be gone through once only,
    DataError where the second pass shows other voxels, PluginError where a score is not finite.
    """
    if iter(source) is source:
        raise UsageError("voxels stream by twice, and this source ends after once", hint="give a re-iterable")
    tally = Tally(Curve.pool([_positives(volume) for volume in map(_volume, source)]), probes)
    seen: list[int] = []
    count(_negatives(source, tally, seen), batch=batch, workers=workers)
    curve = tally.curve()
    if sum(seen) != curve.n_found:
        raise DataError(f"the second pass showed {sum(seen)} lesion voxels, the first {curve.n_found}")
    return curve


def _negatives(source: Iterable[Volume | Scored], tally: Tally, seen: list[int]) -> Iterator[Portion]:
    """What is to be counted; `seen` is told each volume's number of positives."""
    for volume in map(_volume, source):
        seen.append(volume.positives.size)
        yield Portion(volume.negatives, (tally,))


Members = Mapping[str, Mapping[str, Curve]]


def pools(
    members: Members, source: Iterable[Scored], probes: Iterable[float] = ()
) -> dict[str, StreamedCurve]:
    """The curves of several pools that share cases, in one pass, as `SecondPass`."""
    counted = SecondPass(members, probes)
    counted.go(source)
    return {name: counted.curve(name) for name in members}


class SecondPass:
    """The negatives of several pools that share cases, counted in one pass.

    members: of each pool, by case id, a curve that has the case's positives; looked: pools whose cases are counted one
    by one, too, at the edges of the pool's bins.
    Pools of the same cases share one tally. What remains: a tally holds its positives and 12 bytes a distinct one, so
    a family of strata that part the cases takes as much again as the pool of all, and sorts and searches the batch
    once more, in parts. A batch is there twice while that happens, so it holds two thirds of what `stream`'s does. A
    pool looked at holds up to 16 KiB a case.
    """

    def __init__(self, members: Members, probes: Iterable[float] = (), looked: Iterable[str] = ()) -> None:
        probes = tuple(probes)
        self._members = members
        self._shared: dict[frozenset[str], Tally] = {}
        for curves in members.values():
            ids = frozenset(curves)
            if ids not in self._shared:
                self._shared[ids] = Tally(Curve.pool(curves.values()), probes)
        self._tallies = {name: self._shared[frozenset(curves)] for name, curves in members.items()}
        self._edges = {name: self._tallies[name].edges for name in looked}
        #: Of each pool looked at, by case id: the negatives at or above each edge, (K,).
        self.above: dict[str, dict[str, Counts]] = {name: {} for name in self._edges}

    def go(self, source: Iterable[Scored], *, batch: int = BATCH, workers: int = 1) -> None:
        """Count. Raises DataError where a case's lesion voxels are not those of its curve."""
        overlap = sum(map(len, self._shared)) > len(frozenset().union(*self._shared))
        count(self._portions(source), batch=batch, workers=workers, copies=overlap)

    def curve(self, name: str) -> StreamedCurve:
        """The curve of a pool, made anew."""
        return self._tallies[name].curve()

    def _portions(self, source: Iterable[Scored]) -> Iterator[Portion]:
        for scored in source:
            names = [name for name, curves in self._members.items() if scored.case_id in curves]
            if names:
                positives, negatives, _ = split(scored)
                if positives.size != self._members[names[0]][scored.case_id].n_found:
                    where = f"case {scored.case_id}"
                    raise DataError("the second pass showed other lesion voxels than the first", where=where)
                tallies = dict.fromkeys(self._tallies[name] for name in names)
                edged = [name for name in names if name in self._edges]
                look = partial(self._look, scored.case_id, edged) if edged else None
                yield Portion(negatives, tuple(tallies), look)

    def _look(self, case_id: str, names: Sequence[str], run: Scores) -> None:
        for name in names:
            self.above[name][case_id] = at_least([run], self._edges[name])


def _volume(item: Volume | Scored) -> Volume:
    return Volume(*split(item)) if isinstance(item, Scored) else item


def positives_of(scored: Scored) -> Curve:
    """The curve of a case without its negatives, which are not even sorted."""
    return _positives(_volume(scored))


def _positives(volume: Volume) -> Curve:
    return Curve.from_split(volume.positives, volume.negatives[:0], volume.missed)
