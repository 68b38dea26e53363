"""What is kept of each test case, and the groups of cases that numbers are made for.

Groups: "all" is every case that is not healthy, each lesion kind is one of its own, each stratum ("site=HH") of
at least MIN_CASES lesion cases, "healthy" the healthy scans.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from uad_bench.errors import DataError
from uad_bench.evaluate.curves.bootstrap import Patient
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.score_histogram import Sketch
from uad_bench.evaluate.curves.two_pass import SecondPass
from uad_bench.types import Scored, Value

#: A stratum of fewer cases says more about its cases than about the stratum.
MIN_CASES = 5


@dataclass(frozen=True)
class Result:
    """What is kept of a case. seen: it has a brain; values, kept: by name of the ask; patient: for the resamples."""

    case_id: str
    lesion_kind: str
    healthy: bool
    strata: Mapping[str, str]
    curve: Curve
    seen: bool
    values: Mapping[str, Value]
    kept: Mapping[str, Any]
    patient: Patient | None
    sketch: Sketch | None = None

    def without_negatives(self) -> "Result":
        """The same, with the positives alone in its curve."""
        return replace(
            self,
            curve=replace(self.curve, negatives=()),
            patient=self.patient.without_negatives() if self.patient else None,
        )


@dataclass(frozen=True)
class Group:
    """Cases that numbers are made for. stratum: a group by something else than the lesion."""

    name: str
    members: Sequence[Result]
    stratum: bool = False

    @property
    def healthy(self) -> bool:
        """Whether these are the healthy scans."""
        return self.name == "healthy"


def groups(results: Sequence[Result]) -> list[Group]:
    """The groups that have members, in their order. Raises DataError where a lesion kind has another group's name."""
    lesion = [result for result in results if not result.healthy]
    kinds = sorted({result.lesion_kind for result in lesion} - {""})
    strata = _strata(lesion)
    taken = {"all", "healthy", *strata}.intersection(kinds)
    if taken:
        raise DataError(f"a lesion kind is called {min(taken)!r}", hint="this word names a group of cases")
    found = [Group("all", lesion)]
    found += [Group(kind, [result for result in lesion if result.lesion_kind == kind]) for kind in kinds]
    found += [Group(name, members, stratum=True) for name, members in strata.items()]
    found.append(Group("healthy", [result for result in results if result.healthy]))
    return [group for group in found if group.members]


def _strata(lesion: Iterable[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in lesion:
        for key, value in result.strata.items():
            found.setdefault(f"{key}={value}", []).append(result)
    return {name: found[name] for name in sorted(found) if len(found[name]) >= MIN_CASES}


class Pools:
    """The curves of sets of cases: of the kept ones, or counted in a second pass where their negatives were let go.

    uses: the members of a pool by its name, for each report that asks about it; drawn: pools whose cases are resampled.
    Pools of the same cases are one. A table is kept until the last report on its cases is done.
    """

    def __init__(
        self,
        uses: Iterable[tuple[str, Sequence[Result]]],
        again: Iterable[Scored] | None,
        probes: Iterable[float],
        drawn: Iterable[str] = (),
        workers: int = 1,
    ) -> None:
        self._members = {
            name: {result.case_id: result.curve for result in results if result.seen}
            for name, results in uses
        }
        self._keys = {name: frozenset(curves) for name, curves in self._members.items()}
        self._left = Counter(self._keys.values())
        self._made: dict[frozenset[str], Curve] = {}
        self._counted: SecondPass | None = None
        if again is not None:
            self._counted = SecondPass(self._members, probes, self._members.keys() & set(drawn))
            self._counted.go(again, workers=workers)

    def __getitem__(self, name: str) -> Curve:
        key = self._keys[name]
        if key not in self._made:
            counted = self._counted
            self._made[key] = counted.curve(name) if counted else Curve.pool(self._members[name].values())
        return self._made[key]

    def patients(self, name: str, members: Iterable[Result]) -> list[Patient]:
        """What the resamples of a pool need of each of its cases."""
        found = [(result.case_id, result.patient) for result in members if result.patient]
        above = self._counted.above.get(name, {}) if self._counted else {}
        return [replace(patient, above=above.get(case_id)) for case_id, patient in found]

    def forget(self, names: Iterable[str]) -> None:
        """A report on these pools is done."""
        for name in names:
            self._left[self._keys[name]] -= 1
            if not self._left[self._keys[name]]:
                self._made.pop(self._keys[name], None)


Make = Callable[[Scored], Result]


def gather(test: Iterable[Scored], make: Make, memory: int) -> tuple[list[Result], Iterable[Scored] | None]:
    """The results of all cases, sorted by id, and `test` where it has to be gone through again.

    Once the negatives need more than `memory` bytes they are let go, if `test` can be gone through twice.
    """
    again = None if iter(test) is test else test
    results: list[Result] = []
    held, over = 0, False
    for result in map(make, test):
        held += sum(run.nbytes for run in result.curve.negatives)
        results.append(result.without_negatives() if over else result)
        if again is not None and not over and held > memory:
            results, over = [result.without_negatives() for result in results], True
    results.sort(key=lambda result: result.case_id)
    return results, again if over else None
