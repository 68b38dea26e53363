"""What the audit looks at, and what it says: cases in roles, fitted objects, findings."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from uad_bench.types import FloatArray

ROLES = ("train", "val", "tune", "test")
Severity = Literal["error", "warning", "note"]
Person = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Seen:
    """One case in one role, as the audit sees it.

    healthy: None where nobody says; voxels: a digest of its voxels, "" where they were not read; thumbnail:
    float32 (16, 16, 16), see `lookalike`.
    """

    dataset: str
    case_id: str
    subject_id: str
    role: str
    healthy: bool | None = None
    voxels: str = ""
    thumbnail: FloatArray | None = None

    @property
    def name(self) -> str:
        """`dataset/case_id`: two datasets may both have a "case01"."""
        return f"{self.dataset}/{self.case_id}"

    @property
    def person(self) -> Person:
        """Dataset and subject id."""
        return self.dataset, self.subject_id


@dataclass(frozen=True)
class FittedObject:
    """Something learnt from cases: landmarks, a template, a threshold.

    case_ids: the cases it saw, `dataset/case_id` or bare ids; ids_sha256: the hash of these ids, for an object
    that kept no more; oracle: it says itself that it saw the test.
    """

    name: str
    kind: Literal["landmarks", "template", "threshold"]
    case_ids: Collection[str] = ()
    ids_sha256: str = ""
    oracle: bool = False


@dataclass(frozen=True)
class Finding:
    """What the audit says under one rule; `cases` are the ids of those concerned, sorted."""

    rule: str
    severity: Severity
    what: str
    cases: tuple[str, ...] = ()


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """The errors: a run with one of these says nothing about unseen patients."""
    return [finding for finding in findings if finding.severity == "error"]


def count(things: Collection[object], word: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"
