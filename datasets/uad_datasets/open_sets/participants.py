"""The rows of participants.tsv by subject, for datasets whose columns are known."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from uad_bench.errors import DataError
from uad_datasets.tables import Row, read_rows

log = logging.getLogger(__name__)

Value = TypeVar("Value")


def participants(root: Path) -> dict[str, Row]:
    """The rows of participants.tsv in `root` by subject (`sub-01`).

    Raises DataError where there is no table, no column participant_id, or a subject on two rows (UB334), or where the
    table cannot be read (UB321).
    """
    path = root / "participants.tsv"
    if not path.is_file():
        hint = "name the folder of the dataset as the root, with its participants.tsv"
        raise DataError("no participants.tsv", where=str(root), hint=hint, code="UB334")
    rows = read_rows(path)
    if not rows or "participant_id" not in rows[0].cells:
        hint = "download the table again"
        raise DataError("no column participant_id", where=str(path), hint=hint, code="UB334")
    people: dict[str, Row] = {}
    for row in rows:
        subject = f"sub-{row.get('participant_id').removeprefix('sub-')}"
        if people.setdefault(subject, row) is not row:
            what = f"two rows for {subject}, one of them on line {row.line}"
            raise DataError(what, where=str(path), hint="keep one row for each subject", code="UB334")
    return people


def text_of(people: Mapping[str, Row], subject: str, column: str) -> str:
    """The text of a cell, "" where the table has no such subject or column."""
    return people[subject].get(column) if subject in people else ""


def value_of(
    people: Mapping[str, Row], subject: str, column: str, read: Callable[[str], Value | None]
) -> Value | None:
    """The value that `read` makes of a cell; None, with a warning, where it raises ValueError."""
    try:
        return read(text_of(people, subject, column))
    except ValueError as error:
        log.warning("participants.tsv: %s of %s is not used: %s", column, subject, error)
        return None
