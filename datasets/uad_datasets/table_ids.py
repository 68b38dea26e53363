"""The ids of the rows of a table: of the case and of its person, and columns of ids that are not read."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path

from uad_bench.data.scan_names import subject_of
from uad_bench.errors import DataError
from uad_bench.support.text import first_names
from uad_datasets.bids_groups import HEALTHY, ILL
from uad_datasets.demographics import FALSE, MISSING, TRUE
from uad_datasets.tables import Row

log = logging.getLogger(__name__)

IDS = ("case_id", "subject_id")
#: An id of entities alone, as BIDS names files: `sub-01_run-1`.
ENTITIES = re.compile(r"sub-[A-Za-z0-9]+(_[a-z]+-[A-Za-z0-9]+)+")
#: Names of columns, in lower case without blanks and marks, that say who a person or which case it is.
ID_NAMES = {
    "subject_id": re.compile(
        r"(subj|subject|sub|participant|patient|pat|person|proband)s?"
        r"(id|no|nr|num|number|name|code|key|label)?|pid|ptid|mrn"
    ),
    "case_id": re.compile("caseid"),
}


def ids_of(row: Row, names: Mapping[str, str]) -> tuple[str, str]:
    """Case id and subject id; where the table has only one of them, the subject is that of the id."""
    case_id, subject_id = (row.get(names[word]) for word in IDS)
    only = case_id or subject_id
    return only, subject_id if case_id and subject_id else person_of(only)


def person_of(case_id: str) -> str:
    """The subject of an id that names a session or has other entities of BIDS; else the whole id.

    >>> [person_of(one) for one in ("sub-01_ses-2", "sub-01_run-1", "p7_ses-b", "p7_a", "sub-UKA_001")]
    ['sub-01', 'sub-01', 'p7', 'p7_a', 'sub-UKA_001']
    """
    subject, _, session = case_id.partition("_ses-")
    return subject_of(subject) if session or ENTITIES.fullmatch(case_id) else case_id


def say_subjects(rows: list[Row], names: Mapping[str, str], path: Path) -> None:
    """Warn of rows whose subject is a part of their case id, because they have no subject_id of their own."""
    alone = [ids_of(row, names) for row in rows if not all(row.get(names[word]) for word in IDS)]
    read = [f"{case_id} is of {subject_id}" for case_id, subject_id in alone if case_id != subject_id]
    if read:
        what = "%s: rows without subject_id, whose subject is read from the case id (%d): %s"
        log.warning(what, path.name, len(read), first_names(read, 3))


def refuse_unread_ids(rows: list[Row], names: Mapping[str, str], path: Path) -> None:
    """Raise DataError for a column such as `participant_id` that is not read, and rows without that id (UB334)."""
    known = {name.lower() for name in names.values()}
    for word, pattern in ID_NAMES.items():
        without = [row for row in rows if not row.get(names[word])]
        found = [name for name in rows[0].cells if name not in known and pattern.fullmatch(_plain(name))]
        for column in found:
            if any(row.get(column).lower() not in MISSING for row in without) and not _is_flag(rows, column):
                what = f"the column {column!r} is not read, and {len(without)} rows have no {word}"
                hint = (
                    f"map it with `columns: {{{word}: {column}}}`, or rename it; a person has one subject_id"
                )
                raise DataError(what, where=str(path), hint=hint, code="UB334")


def _plain(name: str) -> str:
    """A name in lower case without blanks and marks: `Subject-ID` -> `subjectid`."""
    return "".join(filter(str.isalnum, name.lower()))


def _is_flag(rows: list[Row], column: str) -> bool:
    """Whether a column such as `patient` says who is one: yes or no in every row, or words of groups (`HC`)."""
    words = {row.get(column).lower() for row in rows}
    bare = re.fullmatch("(patient|participant|subject|person|proband)s?", _plain(column))
    return bool(bare) and (words <= TRUE | FALSE | MISSING or bool({*map(_plain, words)} & (HEALTHY | ILL)))
