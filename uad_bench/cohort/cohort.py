"""Who takes part in a run: prepared cases with their roles, and what is known of those that do not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from uad_bench import plugins
from uad_bench.config import digest
from uad_bench.data import audit
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.prepare.fit_steps import FittedStep
from uad_bench.types import Case, Scan

#: Dataset, case id and the reason why a case was left out.
LeftOut = tuple[str, str, str]


@dataclass(frozen=True)
class Member:
    """A prepared case and its role in the run: train, val, tune or test."""

    prepared: PreparedCase
    role: str

    @property
    def case(self) -> Case:
        """The case on disk."""
        return self.prepared.case


def with_modalities(scan: Scan, modalities: Sequence[str]) -> Scan:
    """The scan with these of its modalities alone, in this order; as it is where none are named."""
    if not modalities:
        return scan
    image = scan.image[[scan.modalities.index(one) for one in modalities]]
    return replace(scan, modalities=tuple(modalities), image=image)


class Scans(Sequence[Scan]):
    """The scans of some members, each mapped from disk on access: no lesion mask, no path.

    modalities: those that the method sees; empty: all.
    """

    def __init__(self, members: Sequence[Member], modalities: Sequence[str] = ()) -> None:
        self._members, self._modalities = members, modalities

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: Any) -> Any:  # int -> Scan, slice -> Scans
        if isinstance(index, slice):
            return Scans(self._members[index], self._modalities)
        return with_modalities(self._members[index].prepared.scan(), self._modalities)


@dataclass(frozen=True)
class Cohort:
    """All members of a run.

    left_out: every case that was left out, with the reason; findings: what the leak audit found; fitted: what
    preparation steps learnt, and from which cases.
    """

    members: tuple[Member, ...]
    left_out: tuple[LeftOut, ...] = ()
    findings: tuple[audit.Finding, ...] = ()
    fitted: tuple[FittedStep, ...] = ()

    def of(self, role: str, dataset: str | None = None) -> list[Member]:
        """The members with a role, of one dataset or of all, ordered by case id."""
        wanted = plugins.label(dataset) if dataset else None
        return [m for m in self.members if m.role == role and wanted in (None, m.case.dataset)]

    @property
    def scored(self) -> list[Member]:
        """The cases that need an anomaly map: val for healthy thresholds, tune for tuned ones, test for results."""
        return [member for member in self.members if member.role in {"val", "tune", "test"}]

    @property
    def digest(self) -> str:
        """12 hex digits of the members, their roles and their voxels."""
        return digest([_identity(member) for member in self.members])

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows of splits.csv."""
        for member in self.members:
            case = member.case
            yield {
                "dataset": case.dataset,
                "case_id": case.case_id,
                "subject_id": case.subject_id,
                "role": member.role,
                "healthy": case.healthy,
                "lesion_kind": case.lesion_kind,
                "site": case.site,
                "scanner": case.scanner,
                "age": case.age,
                "sex": case.sex,
                "content": member.prepared.content,
            }


def _identity(member: Member) -> list[Any]:
    """Everything of a member that a number may depend on."""
    case, ready = member.case, member.prepared
    facts = [case.healthy, case.lesion_kind, int(ready.record["lost"])]
    return [case.dataset, case.case_id, member.role, ready.content, *facts]
