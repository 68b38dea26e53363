"""Input and output of the audit: cases with their roles, fitted objects, findings."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from uad_bench.types import FloatArray

ROLES = ("train", "val", "tune", "test")
Severity = Literal["error", "warning", "note"]
#: Dataset and subject id.
Subject = tuple[str, str]


@dataclass(frozen=True, eq=False)
class AuditedCase:
    """One case in one role.

    healthy: None where it is not declared; voxels: a digest of the voxels of each image, none where they were not
    read; thumbnail: float32 (16, 16, 16), see `near_duplicates.thumbnail`.
    """

    dataset: str
    case_id: str
    subject_id: str
    role: str
    healthy: bool | None = None
    voxels: frozenset[str] = frozenset()
    thumbnail: FloatArray | None = None

    @property
    def name(self) -> str:
        """`dataset/case_id`: two datasets may both have a "case01"."""
        return f"{self.dataset}/{self.case_id}"

    @property
    def subject(self) -> Subject:
        """Dataset and subject id."""
        return self.dataset, self.subject_id


@dataclass(frozen=True)
class FittedObject:
    """Something that was fitted on cases: landmarks, a template, a threshold.

    case_ids: the cases it was fitted on, `dataset/case_id` or bare ids; ids_sha256: the hash of these ids, for an
    object that stored only the hash; oracle: it is declared to use test cases.
    """

    name: str
    kind: Literal["landmarks", "template", "threshold"]
    case_ids: Collection[str] = ()
    ids_sha256: str = ""
    oracle: bool = False


@dataclass(frozen=True)
class Finding:
    """One result of the audit under one rule; `cases` are the ids concerned, sorted.

    An error blocks a run, a warning does not, a note records a check that found no leak.
    """

    rule: str
    severity: Severity
    what: str
    cases: tuple[str, ...] = ()


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """The errors: the results of a run with one of these do not generalise to unseen patients."""
    return [finding for finding in findings if finding.severity == "error"]


def count(things: Collection[object], word: str) -> str:
    """A number with its noun.

    >>> count(["a"], "case"), count([], "case")
    ('1 case', '0 cases')
    """
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"
