"""The exact curve of more voxels than memory holds, in two passes over a source that can be gone through again.

The first pass keeps the positives; the second counts the negatives at the distinct positive values (`tally`). Counts
are integers, and only whole tables are ever turned into numbers, so the result has the same bits for any order of
the volumes, size of a batch and number of workers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from uad_bench.errors import DataError, UsageError
from uad_bench.evaluate.curve import Curve, split
from uad_bench.evaluate.points import Scores
from uad_bench.evaluate.tally import BATCH, StreamedCurve, Tally, count
from uad_bench.types import Scored


class Volume(NamedTuple):
    """One volume: scores of lesion voxels and of the brain's others, flat, any order; lesion voxels outside it."""

    positives: Scores
    negatives: Scores
    missed: int = 0


def stream(source: Iterable[Volume | Scored], *, probes: Iterable[float] = (), batch: int = BATCH,
           workers: int = 1) -> StreamedCurve:  # fmt: skip
    """The curve of all volumes together, at about 24 bytes a distinct positive and 4 a negative of the batch.

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


def _negatives(
    source: Iterable[Volume | Scored], tally: Tally, seen: list[int]
) -> Iterator[tuple[Scores, Sequence[Tally]]]:
    """What is to be counted; `seen` is told each volume's number of positives."""
    for volume in map(_volume, source):
        seen.append(volume.positives.size)
        yield volume.negatives, (tally,)


def pools(
    members: Mapping[str, Mapping[str, Curve]], source: Iterable[Scored], probes: Iterable[float] = ()
) -> dict[str, StreamedCurve]:
    """The curves of several pools that share cases, in one pass.

    members: of each pool, by case id, a curve that has the case's positives. Raises DataError where a case's
    lesion voxels are not those of its curve.
    """
    probes = tuple(probes)
    tallies = {name: Tally(Curve.pool(curves.values()), probes) for name, curves in members.items()}
    count(_shared(members, tallies, source))
    return {name: tally.curve() for name, tally in tallies.items()}


def _shared(
    members: Mapping[str, Mapping[str, Curve]], tallies: Mapping[str, Tally], source: Iterable[Scored]
) -> Iterator[tuple[Scores, Sequence[Tally]]]:
    for scored in source:
        names = [name for name, curves in members.items() if scored.case_id in curves]
        if names:
            positives, negatives, _ = split(scored)
            if positives.size != members[names[0]][scored.case_id].n_found:
                where = f"case {scored.case_id}"
                raise DataError("the second pass showed other lesion voxels than the first", where=where)
            yield negatives, [tallies[name] for name in names]


def _volume(item: Volume | Scored) -> Volume:
    return Volume(*split(item)) if isinstance(item, Scored) else item


def _positives(volume: Volume) -> Curve:
    return Curve.from_split(volume.positives, volume.negatives[:0], volume.missed)
