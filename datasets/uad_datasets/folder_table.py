"""A user's own table, one row a case, read without a guess: every row that is wrong is told by its line."""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from uad_bench.errors import DataError
from uad_datasets.demographics import MISSING
from uad_datasets.tables import Row, read_rows

MODALITIES = ("t1", "t1ce", "t2", "flair", "pd")
IDS = ("case_id", "subject_id")
FILES = (*MODALITIES, "lesion_mask", "brain_mask")
FACTS = ("healthy", "site", "scanner", "age", "sex", "lesion_kind")
#: The error code of a file that is not there.
ABSENT = {"lesion_mask": "UB333", "brain_mask": "UB331"}


@dataclass(frozen=True)
class Entry:
    """One case as the user describes it: its files, and what is said of it as text. where: for errors."""

    case_id: str
    subject_id: str
    files: Mapping[str, Path]
    where: str
    facts: Mapping[str, str] = field(default_factory=dict)


def read_table(path: Path, columns: Mapping[str, str]) -> list[Entry | DataError]:
    """Each row as an Entry, or as the DataError that says what is wrong with it, with its line.

    Paths are relative to the table's folder. Raises DataError for a table that is missing, holds no row, or
    lacks a column that is needed or named in `columns` (UB334), or cannot be read (UB321).
    """
    if not path.is_file():
        hint = "expected a CSV with columns case_id, t2, lesion_mask ... (see docs/datasets/folder.md); for a BIDS "
        raise DataError("no table of cases", where=str(path), hint=hint + "tree set bids: true", code="UB334")
    rows = read_rows(path)
    called = _called(rows, columns, path)
    ids = Counter(_ids(row, called)[0] for row in rows)
    return [_entry(row, called, path, ids) for row in rows]


def _called(rows: list[Row], columns: Mapping[str, str], path: Path) -> dict[str, str]:
    """What each word is called in the table. Raises DataError for a table that cannot be used (UB334)."""
    there = list(rows[0].cells) if rows else []
    called = {word: columns.get(word, word) for word in (*IDS, *FILES, *FACTS)}
    lost = [name for name in columns.values() if name.lower() not in there]
    if not rows:
        what = "the table holds no row"
    elif lost:
        what = f"no column {lost[0]!r}"
    elif not any(called[word].lower() in there for word in IDS):
        what = "no column case_id or subject_id"
    elif not any(called[word].lower() in there for word in MODALITIES):
        what = f"no column {', '.join(MODALITIES)}"
    else:
        return called
    hint = f"the columns are {', '.join(there) or 'none'}; map them with `columns`"
    raise DataError(what, where=str(path), hint=hint, code="UB334")


def _ids(row: Row, called: Mapping[str, str]) -> tuple[str, str]:
    """Case and subject; where the table has only one of them it is both."""
    case_id, subject_id = (row.get(called[word]) for word in IDS)
    return case_id or subject_id, subject_id or case_id


def _entry(row: Row, called: Mapping[str, str], path: Path, ids: Mapping[str, int]) -> Entry | DataError:
    case_id, subject_id = _ids(row, called)
    where = f"{case_id}, {path.name} line {row.line}" if case_id else f"{path.name} line {row.line}"
    cells = {word: row.get(called[word]) for word in FILES}
    files = {word: _file(path.parent, text) for word, text in cells.items() if text.lower() not in MISSING}
    fault = _fault(row, case_id, files, ids)
    if fault:
        what, hint, code = fault
        return DataError(what, where=where, hint=hint, code=code)
    return Entry(case_id, subject_id, files, where, {word: row.get(called[word]) for word in FACTS})


def _fault(
    row: Row, case_id: str, files: Mapping[str, Path], ids: Mapping[str, int]
) -> tuple[str, str, str] | None:
    """What is wrong with a row, what to do about it, and the code."""
    if row.surplus:
        return f"more cells than columns: {row.surplus[0]!r}", "quote cells that hold a comma", "UB334"
    if not case_id:
        return "no case_id", "give each row a name of its own", "UB334"
    if ids[case_id] > 1:
        return f"case_id is met {ids[case_id]} times", "give each row a name of its own", "UB329"
    absent = [word for word, path in files.items() if not _is_file(path)]
    if absent:
        named = ", ".join(f"{word} {files[word]}" for word in absent)
        hint = _near(files[absent[0]]) or "paths are relative to the table"
        return f"no such file: {named}", hint, ABSENT.get(absent[0], "UB332")
    if not set(files) & set(MODALITIES):
        return "no image", f"fill one of {', '.join(MODALITIES)}", "UB332"
    return None


def _file(folder: Path, text: str) -> Path:
    """A cell as a path below `folder`; backslashes are taken as separators where the name as it is leads nowhere."""
    path = folder / text
    return folder.joinpath(*PureWindowsPath(text).parts) if "\\" in text and not _is_file(path) else path


def _near(path: Path) -> str:
    """A hint where the folder holds the name in another Unicode form or in other capitals, "" else."""

    def plain(name: str) -> str:
        return unicodedata.normalize("NFC", name)

    try:
        names = [other.name for other in path.parent.iterdir()]
    except OSError:
        return ""
    if any(plain(name) == plain(path.name) for name in names):
        return "the folder has this name in another Unicode form (NFC against NFD): rename the file or write its form"
    near = [name for name in names if plain(name).lower() == plain(path.name).lower()]
    return f"the folder has {near[0]}, in other capitals" if near else ""


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, a folder that may not be entered
        return False
