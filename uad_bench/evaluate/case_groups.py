"""What evaluation keeps of each test case, and the groups of cases for which numbers are reported.

Groups: "all" has every case that is not healthy, each lesion kind is a group, each stratum ("site=HH") of at least
MIN_CASES lesion cases is a group, and "healthy" has the healthy scans.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from uad_bench.errors import DataError
from uad_bench.evaluate.curves.bootstrap import BootstrapCase
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.two_pass import SecondPass
from uad_bench.evaluate.parallel import evaluated_cases
from uad_bench.types import Scored, Value

#: With fewer cases, a number describes the single cases more than the stratum.
MIN_CASES = 5


@dataclass(frozen=True)
class CaseResult:
    """What evaluation keeps of a case.

    has_brain: the region of interest is not empty. values, kept: by name of the query, the value of the case and what
    the metric keeps for its pooled value. bootstrap: for the resamples, None for a healthy scan. sketch: the bytes of
    the score histogram, a tenth of the histogram itself; None where it was not requested.
    """

    case_id: str
    lesion_kind: str
    healthy: bool
    strata: Mapping[str, str]
    curve: Curve
    has_brain: bool
    values: Mapping[str, Value]
    kept: Mapping[str, Any]
    bootstrap: BootstrapCase | None
    sketch: bytes | None = None

    def without_negatives(self) -> "CaseResult":
        """The same, without the scores of voxels that are not lesion."""
        return replace(
            self,
            curve=replace(self.curve, negatives=()),
            bootstrap=self.bootstrap.without_negatives() if self.bootstrap else None,
        )


@dataclass(frozen=True)
class Group:
    """Cases for which numbers are reported. stratum: grouped by something other than the lesion kind."""

    name: str
    members: Sequence[CaseResult]
    stratum: bool = False

    @property
    def healthy(self) -> bool:
        """Whether this is the group of healthy scans."""
        return self.name == "healthy"


def groups(results: Sequence[CaseResult]) -> list[Group]:
    """The groups that have members. Raises DataError for a lesion kind with the name of another group."""
    lesion = [result for result in results if not result.healthy]
    kinds = sorted({result.lesion_kind for result in lesion} - {""})
    strata = _strata(lesion)
    taken = {"all", "healthy", *strata}.intersection(kinds)
    if taken:
        raise DataError(
            f"lesion kind {min(taken)!r} has the name of a group of cases", hint="rename the kind"
        )
    found = [Group("all", lesion)]
    found += [Group(kind, [result for result in lesion if result.lesion_kind == kind]) for kind in kinds]
    found += [Group(name, members, stratum=True) for name, members in strata.items()]
    found.append(Group("healthy", [result for result in results if result.healthy]))
    return [group for group in found if group.members]


def _strata(lesion: Iterable[CaseResult]) -> dict[str, list[CaseResult]]:
    found: dict[str, list[CaseResult]] = {}
    for result in lesion:
        for key, value in result.strata.items():
            found.setdefault(f"{key}={value}", []).append(result)
    return {name: found[name] for name in sorted(found) if len(found[name]) >= MIN_CASES}


class PooledCurves:
    """The curves of sets of cases: pooled from the curves of the cases, or counted in a second pass over the cases.

    uses: the name and the members of a pool, once for each report that needs it. again: the test cases, for the second
    pass; None: the curves of the cases are complete. thresholds: those at which counts are needed. resampled: the pools
    whose cases are resampled. Pools of the same cases share one curve, which is kept until `forget` was called for the
    last report that needs it.
    """

    def __init__(
        self,
        uses: Iterable[tuple[str, Sequence[CaseResult]]],
        again: Iterable[Scored] | None,
        thresholds: Iterable[float],
        resampled: Iterable[str] = (),
        workers: int = 1,
    ) -> None:
        uses = list(uses)
        self._members = {
            name: {result.case_id: result.curve for result in results if result.has_brain}
            for name, results in uses
        }
        self._keys = {name: frozenset(curves) for name, curves in self._members.items()}
        self._left = Counter(self._keys[name] for name, _ in uses)
        self._curves: dict[frozenset[str], Curve] = {}
        self._counted: SecondPass | None = None
        if again is not None:
            self._counted = SecondPass(self._members, thresholds, self._members.keys() & set(resampled))
            self._counted.run(again, workers=workers)

    def __getitem__(self, name: str) -> Curve:
        key = self._keys[name]
        if key not in self._curves:
            counted = self._counted
            self._curves[key] = (
                counted.finished(name) if counted else Curve.pool(self._members[name].values())
            )
        return self._curves[key]

    def bootstrap_cases(self, name: str, members: Iterable[CaseResult]) -> list[BootstrapCase]:
        """What the resamples of a pool need of each of its cases."""
        found = [(result.case_id, result.bootstrap) for result in members if result.bootstrap]
        at_edges = self._counted.at_edges.get(name, {}) if self._counted else {}
        return [replace(case, at_edges=at_edges.get(case_id)) for case_id, case in found]

    def forget(self, names: Iterable[str]) -> None:
        """A report that needed these pools is done."""
        for name in names:
            self._left[self._keys[name]] -= 1
            if not self._left[self._keys[name]]:
                self._curves.pop(self._keys[name], None)


def gather(
    test: Iterable[Scored], evaluate_case: Callable[[Scored], CaseResult], memory: int, processes: int = 1
) -> tuple[list[CaseResult], Iterable[Scored] | None]:
    """The results of all cases, sorted by id, and `test` where a second pass over it is needed.

    Once the negatives of all curves take more than `memory` bytes they are discarded, unless `test` is an iterator,
    which cannot be read twice. processes: their number does not change a result.
    """
    again = None if iter(test) is test else test
    results: list[CaseResult] = []
    used, discard = 0, False
    for result in evaluated_cases(evaluate_case, test, processes):
        used += sum(run.nbytes for run in result.curve.negatives)
        results.append(result.without_negatives() if discard else result)
        if again is not None and not discard and used > memory:
            results, discard = [result.without_negatives() for result in results], True
    results.sort(key=lambda result: result.case_id)
    return results, again if discard else None
