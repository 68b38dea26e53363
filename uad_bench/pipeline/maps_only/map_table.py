"""A table of maps of another program: the columns case_id and file of a CSV, each row checked."""

import csv
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from uad_bench.data.csv_rows import csv_rows
from uad_bench.errors import DataError, UsageError, unknown_name
from uad_bench.support.text import first_names

#: Dataset and case id.
Key = tuple[str, str]
#: Columns of a table of maps.
CASE, FILE = "case_id", "file"


def read_table(table: Path, known: Mapping[str, Collection[Key]]) -> dict[Key, Path]:
    """The file of each case that the table names; paths are relative to its folder.

    known: the cases that each text of the column case_id may mean. Raises UsageError for what is no such table, for an
    empty cell, for two maps of a case and for an id of several datasets (UB253), for an unknown id (UB201).
    """
    found: dict[Key, Path] = {}
    for line, name, file in _rows(table):
        if name not in known:
            raise unknown_name(f"case in {table.name}", name, [one for one in known if "/" not in one])
        path = _path(table.parent, file)
        if found.setdefault(only(name, known[name]), path) != path:
            hint = "keep one row for each case"
            raise UsageError(f"two maps of case {name}", where=_at(table, line), hint=hint, code="UB253")
    return found


def only(name: str, keys: Collection[Key]) -> Key:
    """The one case that a name means. Raises UsageError where it may mean several (UB253)."""
    if len(keys) > 1:
        what = f"{name!r} may be any of {', '.join(sorted('/'.join(key) for key in keys))}"
        hint = f"give a CSV that has DATASET/CASE in the column {CASE}"
        raise UsageError(what, hint=hint, code="UB253")
    (key,) = keys
    return key


def check_files(paths: Collection[Path]) -> None:
    """Raise DataError that names the paths at which no file can be read (UB321)."""
    missing = [str(path) for path in paths if not (path.is_file() and os.access(path, os.R_OK))]
    if missing:
        what = f"{len(missing)} of {len(paths)} maps are no readable files"
        raise DataError(what, where=first_names(missing), hint="check paths and permissions", code="UB321")


def _rows(table: Path) -> Iterator[tuple[int, str, str]]:
    """The line, the case and the file of each row that is not empty."""
    columns: list[str] = []
    try:
        for line, cells in csv_rows(table.read_bytes().decode("utf-8-sig")):
            if not any(cells):
                continue
            if not columns:
                columns = cells
                _check_columns(table, columns)
                continue
            row = dict(zip(columns, cells, strict=False))
            if any(cells[len(columns) :]) or not row.get(CASE) or not row.get(FILE):
                what = f"a row needs a value of {CASE} and of {FILE}, and no cells without a column"
                hint = "complete the row, and put paths with commas in quotes"
                raise UsageError(what, where=_at(table, line), hint=hint, code="UB253")
            yield line, row[CASE], row[FILE]
    except OSError as error:
        what = f"cannot read the table: {error.strerror or error}"
        raise DataError(what, where=str(table), hint="check its permissions", code="UB321") from None
    except (csv.Error, UnicodeDecodeError) as error:
        why = error if isinstance(error, csv.Error) else "it is not UTF-8"
        hint = "save it as CSV in UTF-8"
        raise UsageError(f"not a table of maps: {why}", where=table.name, hint=hint, code="UB253") from None
    if not columns:
        _check_columns(table, columns)


def _check_columns(table: Path, columns: list[str]) -> None:
    if columns.count(CASE) != 1 or columns.count(FILE) != 1:
        hint = f"write the columns {CASE} and {FILE}"
        raise UsageError("not a table of maps", where=table.name, hint=hint, code="UB253")


def _path(folder: Path, text: str) -> Path:
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:  # the home of a user who is unknown here
        return folder / text


def _at(table: Path, line: int) -> str:
    return f"{table.name}, line {line}"
