"""The promises of a method about what it learns from, and those of a method that scores whole sets of scans."""

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from uad_bench.method.base import scores_sets
from uad_bench.method.context import Context
from uad_bench.method.guard import score_scans
from uad_bench.plugins import are_names
from uad_bench.testing.candidate import MethodCandidate, NotChecked, broken
from uad_bench.testing.toy import toy_scans
from uad_bench.types import SET_TRACKS, TRACKS, FloatArray, Scan

#: Scans of a set, and how many of them may be in memory at once.
SET, ALIVE = 6, 3


def check_track(candidate: MethodCandidate) -> None:
    """`learns_from` names a track that allows `score_set` where the method has one; `seen` is a tuple of datasets."""
    seen, track = candidate.new().seen(), candidate.new().learns_from()
    if not are_names(seen):
        fix = 'return ("one",), with the comma'
        raise broken(candidate.name, "a tuple of dataset names from `seen`", repr(seen), fix)
    if track not in TRACKS:
        raise broken(candidate.name, f"a track of {', '.join(TRACKS)}", repr(track), "correct `track`")
    if scores_sets(candidate.cls) and track not in SET_TRACKS:
        fix = 'declare track = "transductive"'
        raise broken(candidate.name, "the track transductive of a method with score_set", track, fix)


def check_set_order_does_not_matter(candidate: MethodCandidate) -> None:
    """The map of a scan depends on which scans are in the set, not on their order."""
    scans = _set_of(candidate)
    forward, backward = _maps(candidate, scans), _maps(candidate, scans[::-1])
    for name, values in forward.items():
        if not np.array_equal(values, backward[name]):
            fix = "use statistics that have no order (sort the case ids); draw from ctx.rng(scan.case_id)"
            raise broken(
                candidate.name, "the same maps for a set in any order", f"another map of {name}", fix
            )


def check_sets_are_streamed(candidate: MethodCandidate) -> None:
    """`score_set` yields maps one by one and keeps few scans, so that memory does not grow with the set."""
    lazy = _Counted(_set_of(candidate))
    maps = candidate.first_fit[0].score_set(lazy, Context())
    fix = "write score_set as a generator: pass through `scans`, keep statistics, yield each map when it is ready"
    if not hasattr(maps, "__next__"):
        raise broken(candidate.name, "an iterator of maps", type(maps).__name__, fix)
    for _ in maps:
        pass
    if lazy.most > ALIVE:
        raise broken(candidate.name, f"at most {ALIVE} of {SET} scans in memory", f"{lazy.most}", fix)


def _set_of(candidate: MethodCandidate) -> list[Scan]:
    """The scans of a set. Raises NotChecked for a method that scores one by one or breaks an earlier promise."""
    if not scores_sets(candidate.cls):
        raise NotChecked("the method scores scans one by one")
    _ = candidate.reference
    return candidate.fresh_scans(SET)


def _maps(candidate: MethodCandidate, scans: Sequence[Scan]) -> dict[str, FloatArray]:
    found = score_scans(candidate.first_fit[0], scans, Context(), candidate.name)
    return {scan.case_id: values for scan, values in zip(scans, found, strict=False)}


class _Counted(Sequence[Scan]):
    """Scans that are made at each access, as a run reads them; `most`: how many images were in memory at once."""

    def __init__(self, scans: Sequence[Scan]) -> None:
        self._ids = [scan.case_id for scan in scans]
        self._modalities = scans[0].modalities
        self._alive = 0
        self.most = 0

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: Any) -> Any:  # int -> Scan, slice -> list of them
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        (scan,) = (
            one for one in toy_scans(SET, self._modalities, prefix="fresh") if one.case_id == self._ids[index]
        )
        image = scan.image if scan.image.base is None else scan.image.base
        self._alive += 1
        self.most = max(self.most, self._alive)
        weakref.finalize(image, self._freed)
        return scan

    def _freed(self) -> None:
        self._alive -= 1
