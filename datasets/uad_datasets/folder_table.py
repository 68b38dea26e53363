"""The user's table of cases, one row per case. Nothing is guessed: every invalid row is reported with its line."""

import logging
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from uad_bench.errors import DataError
from uad_datasets.demographics import MISSING
from uad_datasets.shared_files import columns_of_one_file
from uad_datasets.table_ids import IDS, ids_of, refuse_unread_ids, say_subjects
from uad_datasets.tables import Row, read_rows

log = logging.getLogger(__name__)

MODALITIES = ("t1", "t1ce", "t2", "flair", "pd")
FILES = (*MODALITIES, "lesion_mask", "brain_mask")
FACTS = ("healthy", "site", "scanner", "age", "sex", "lesion_kind")
#: The error code of a missing file; UB332 for images.
ABSENT = {"lesion_mask": "UB333", "brain_mask": "UB331"}


@dataclass(frozen=True)
class CaseEntry:
    """One case as the user describes it: its files, and its other columns as text. where: for errors.

    ignored_labels: those of its own lesion mask.
    """

    case_id: str
    subject_id: str
    files: Mapping[str, Path]
    where: str
    facts: Mapping[str, str] = field(default_factory=dict)
    ignored_labels: tuple[int, ...] = ()


def read_table(path: Path, columns: Mapping[str, str]) -> list[CaseEntry | DataError]:
    """Each row as a CaseEntry, or as a DataError with its line.

    Paths are relative to the table's folder. Raises DataError for a table that is missing, has no row, lacks a
    column that is needed or named in `columns`, or has ids in a column that is not read (UB334), or that cannot
    be read (UB321).
    """
    if not path.is_file():
        raise DataError("no table of cases", where=str(path), hint=_other_layouts(path.parent), code="UB334")
    rows = read_rows(path)
    names = _column_names(rows, columns, path)
    refuse_unread_ids(rows, names, path)
    _warn_unread_columns(rows, names, path)
    say_subjects(rows, names, path)
    ids = Counter(ids_of(row, names)[0] for row in rows)
    return [_entry(row, names, path, ids) for row in rows]


def _other_layouts(folder: Path) -> str:
    """What to do where a folder has no table."""
    if (folder / "dataset.json").is_file():
        return "for an nnU-Net dataset set folder.nnunet=true"
    expected = "expected a CSV with columns case_id, t2, lesion_mask ... (docs/datasets/folder.md)"
    return f"{expected}; for a BIDS tree set folder.bids=true, for an nnU-Net dataset folder.nnunet=true"


def _column_names(rows: list[Row], columns: Mapping[str, str], path: Path) -> dict[str, str]:
    """The name of each column in the table. Raises DataError for a table that cannot be used (UB334)."""
    present = list(rows[0].cells) if rows else []
    names = {word: columns.get(word, word) for word in (*IDS, *FILES, *FACTS)}
    missing = [name for name in columns.values() if name.lower() not in present]
    if not rows:
        what = "the table has no row"
    elif missing:
        what = f"no column {missing[0]!r}"
    elif not any(names[word].lower() in present for word in IDS):
        what = "no column case_id or subject_id"
    elif not any(names[word].lower() in present for word in MODALITIES):
        what = f"no column {', '.join(MODALITIES)}"
    else:
        return names
    hint = f"the columns are {', '.join(present) or 'none'}; map them with `columns`"
    raise DataError(what, where=str(path), hint=hint, code="UB334")


def _warn_unread_columns(rows: list[Row], names: Mapping[str, str], path: Path) -> None:
    """Warn of columns that name image files and are not read, such as `lesion` in place of `lesion_mask`."""
    known = {name.lower() for name in names.values()}
    unread = [
        column
        for column in rows[0].cells
        if column not in known and any(row.get(column).lower().endswith((".nii", ".nii.gz")) for row in rows)
    ]
    if unread:
        what = "%s: columns that name image files and are not read: %s; map them with `columns`"
        log.warning(what, path.name, ", ".join(unread))


def _entry(row: Row, names: Mapping[str, str], path: Path, ids: Mapping[str, int]) -> CaseEntry | DataError:
    case_id, subject_id = ids_of(row, names)
    where = f"{case_id}, {path.name} line {row.line}" if case_id else f"{path.name} line {row.line}"
    cells = {word: row.get(names[word]) for word in FILES}
    files = {word: _file(path.parent, text) for word, text in cells.items() if text.lower() not in MISSING}
    fault = _fault(row, case_id, files, ids) or _one_file_twice(files)
    if fault:
        what, hint, code = fault
        return DataError(what, where=where, hint=hint, code=code)
    return CaseEntry(case_id, subject_id, files, where, {word: row.get(names[word]) for word in FACTS})


def _fault(
    row: Row, case_id: str, files: Mapping[str, Path], ids: Mapping[str, int]
) -> tuple[str, str, str] | None:
    """The problem of a row, the remedy and the code; None for a valid row."""
    if row.surplus:
        return f"more cells than columns: {row.surplus[0]!r}", "quote cells that contain a comma", "UB334"
    if not case_id:
        return "no case_id", "give each row an id of its own", "UB334"
    if ids[case_id] > 1:
        return f"{ids[case_id]} rows have this case_id", "give each row an id of its own", "UB329"
    absent = [word for word, path in files.items() if not is_file(path)]
    if absent:
        named = ", ".join(f"{word} {files[word]}" for word in absent)
        hint = _near(files[absent[0]]) or "paths are relative to the table"
        return f"no such file: {named}", hint, ABSENT.get(absent[0], "UB332")
    if not set(files) & set(MODALITIES):
        return "no image", f"fill one of {', '.join(MODALITIES)}", "UB332"
    return None


def _one_file_twice(files: Mapping[str, Path]) -> tuple[str, str, str] | None:
    """The fault of a row with one file in two columns, as where a cell was copied; None without."""
    twice = columns_of_one_file(files)
    if not twice:
        return None
    what = f"{twice[0]} and {twice[1]} are one file, {files[twice[0]].name}"
    return what, "correct one of the cells, or leave it empty", "UB329"


def _file(folder: Path, text: str) -> Path:
    """A cell as a path below `folder`; backslashes are separators where no file has the literal name."""
    path = folder / text
    return folder.joinpath(*PureWindowsPath(text).parts) if "\\" in text and not is_file(path) else path


def _near(path: Path) -> str:
    """A hint where the folder holds the name in another Unicode form or in other capitals, "" else."""

    def plain(name: str) -> str:
        return unicodedata.normalize("NFC", name)

    try:
        if path.is_dir():
            return "it is a folder; name a file in it"
        names = [other.name for other in path.parent.iterdir()]
    except OSError:
        return ""
    if any(plain(name) == plain(path.name) for name in names):
        return "the folder has this name in another Unicode form (NFC against NFD): rename the file or write its form"
    near = [name for name in names if plain(name).lower() == plain(path.name).lower()]
    return f"the folder has {near[0]}, in other capitals" if near else ""


def is_file(path: Path) -> bool:
    """Whether a path is a file; False where the name is too long or the folder may not be read."""
    try:
        return path.is_file()
    except OSError:
        return False
