"""Published split tables, read from the user's disk: the role of each case, row by row.

Two formats are read: one long CSV (columns dataset, role, case_id and, optional, fold and source), and a folder of the
files that papers share (`NAME_train_fold0.csv`, `NAME_val_fold0.csv`, `NAME_test.csv`, column img_name). Rows are kept
as they are, repeats and leaks included: the audit reports these.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

from uad_bench.data.csv_rows import csv_rows
from uad_bench.data.nifti.validation import ID_PATTERN
from uad_bench.errors import DataError, IntegrityError, UsageError, unknown_name

ROLES = ("train", "val", "tune", "test")
FILE = re.compile(r"(?P<dataset>.+?)_(?P<role>train|val|tune|test)(_fold(?P<fold>\d+))?\.csv", re.IGNORECASE)
NIFTI = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)
#: Endings of the names of prepared files, which are not part of the id.
ENDING = re.compile(r"[_-](t1w?|t1ce|t2w?|flair|pdw?|mask|seg)$", re.IGNORECASE)
BIDS = re.compile(r"sub-[A-Za-z0-9]+")
#: The space of an image, in a BIDS name: a part of the file's name and not of the session's.
SPACE = re.compile(r"_space-[A-Za-z0-9]+")
FOLD = re.compile(r"(\d{1,3})(\.0)?")  # some programs write integers as floats in a column with gaps


@dataclass(frozen=True)
class Row:
    """One row of a table. fold: None where the row is valid in every fold; file, line: its position."""

    dataset: str
    source: str
    fold: int | None
    role: str
    case_id: str
    file: str
    line: int


@dataclass(frozen=True)
class RoleTable:
    """The rows of a published split, in their order in the files."""

    all_rows: tuple[Row, ...]

    @property
    def sha256(self) -> str:
        """The SHA-256 (hex) of all roles, independent of the order and the spelling of the rows."""
        texts = sorted(f"{r.dataset},{r.source},{r.fold},{r.role},{r.case_id}" for r in self.all_rows)
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets of the table, in lower case."""
        return tuple(sorted({row.dataset for row in self.all_rows}))

    def sources(self, dataset: str) -> tuple[str, ...]:
        """The sources that published roles of a dataset; ("",) where the table has no sources."""
        return tuple(sorted({row.source for row in self._of(dataset)}))

    def folds(self, dataset: str) -> tuple[int, ...]:
        """The folds of a dataset; () where it has none."""
        return tuple(sorted({row.fold for row in self._of(dataset) if row.fold is not None}))

    def rows(self, dataset: str, fold: int | None = None, source: str = "") -> list[tuple[str, str, int]]:
        """(case_id, role, line) of every row that is valid for a dataset in a fold, repeats included.

        Datasets without folds accept any `fold`, datasets with one source any `source` of the table. Raises UsageError
        for a dataset or source that is not in the table, and where the table has several folds or sources and none
        is chosen.
        """
        chosen = self._source(dataset, source)
        folds = self.folds(dataset)
        if folds and fold not in folds:
            what = "no fold is chosen" if fold is None else f"there is no fold {fold}"
            hint = f"choose --fold, one of {', '.join(map(str, folds))}"
            raise UsageError(f"{what} of {dataset!r} in the split table", hint=hint)
        rows = [row for row in self._of(dataset) if row.source == chosen and row.fold in (None, fold)]
        return [(row.case_id, row.role, row.line) for row in rows]

    def subjects(self, dataset: str) -> dict[str, str]:
        """The subject of each case of a dataset, inferred from the ids.

        `sub-01_ses-2` belongs to `sub-01` (BIDS). Otherwise the first word of an id is its subject where these words
        are unique, so that no two cases are merged; else each case is a subject of its own.
        """
        ids = sorted({row.case_id for row in self._of(dataset)})
        words = {case_id: re.split(r"[-_]", case_id)[0] for case_id in ids}
        unique = len(set(words.values())) == len(ids)
        bids = {case_id: match[0] for case_id in ids if (match := BIDS.match(case_id))}
        return (words if unique else dict(zip(ids, ids, strict=True))) | bids

    def _source(self, dataset: str, source: str) -> str:
        known = self.sources(dataset)
        everywhere = {row.source for row in self.all_rows}
        if source and source not in everywhere:
            raise unknown_name("source of a split table", source, everywhere)
        if source in known or len(known) == 1:
            return source if source in known else known[0]
        hint = f"name one, --splits legacy:SOURCE=FILE: {', '.join(known)}"
        raise UsageError(f"the split table contains {len(known)} splits of {dataset!r}", hint=hint)

    def _of(self, dataset: str) -> list[Row]:
        rows = [row for row in self.all_rows if row.dataset == dataset.lower()]
        if not rows:
            raise unknown_name("dataset in the split table", dataset, self.datasets)
        return rows


def read_table(path: Path) -> RoleTable:
    """The table in a long CSV, or in a folder with the files of the papers.

    In a dataset without training cases, a lesion set, the role `val` is read as `tune`. Raises DataError with file and
    line for an unreadable file (UB321), and for a missing column, an unknown role or fold, or no row (UB335);
    IntegrityError for an id that is no plain word (UB502).
    """
    rows = [row for file in _files(path) for row in _rows(file)]
    if not rows:
        hint = (
            "use a CSV with dataset, role, case_id, or a folder with NAME_train_fold0.csv, NAME_test.csv ..."
        )
        raise DataError("no row in the split table", where=path.name, hint=hint, code="UB335")
    training = {row.dataset for row in rows if row.role == "train"}
    return RoleTable(
        tuple(
            replace(row, role="tune") if row.role == "val" and row.dataset not in training else row
            for row in rows
        )
    )


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.is_file() and FILE.fullmatch(file.name))


def _rows(path: Path) -> Iterator[Row]:
    named = FILE.fullmatch(path.name)
    of_name = {key: value or "" for key, value in named.groupdict().items()} if named else {}
    for line, cells in _cells(path):
        where, given = f"{path.name}, line {line}", of_name | cells
        if "img_name" in given:
            given.setdefault("case_id", _without_ending(given["img_name"]))
        missing = [column for column in ("dataset", "role", "case_id") if not given.get(column)]
        if missing:
            what = (
                f"the row has no {' and no '.join(missing)}; the columns are {', '.join(filter(None, cells))}"
            )
            hint = "a split table has the columns dataset, role, case_id; the file of a paper has img_name"
            raise DataError(what, where=where, hint=hint, code="UB335")
        yield _row(given, path.name, line, where)


def _row(cells: Mapping[str, str], file: str, line: int, where: str) -> Row:
    role, fold = cells["role"].lower(), FOLD.fullmatch(cells.get("fold") or "0")
    if role not in ROLES or fold is None:
        what = f"the role is {cells['role']!r}, the fold {cells.get('fold', '')!r}"
        hint = f"a role is one of {', '.join(ROLES)}; a fold is a number or empty"
        raise DataError(what, where=where, hint=hint, code="UB335")
    # A plain id may end in "_t1": only from file names is the ending removed.
    case_id = _without_ending(cells["case_id"]) if NIFTI.search(cells["case_id"]) else cells["case_id"]
    if not ID_PATTERN.fullmatch(case_id):
        hint = "an id is 1 to 100 letters, digits, '.', '_' or '-'"
        raise IntegrityError(f"the id {case_id[:120]!r} cannot be used", where=where, hint=hint, code="UB502")
    number = int(fold[1]) if cells.get("fold") else None
    return Row(cells["dataset"].lower(), cells.get("source", ""), number, role, case_id, file, line)


def _without_ending(name: str) -> str:
    """The id in a file's name or path, also of Windows: the part before modality and ending."""
    plain = ENDING.sub("", NIFTI.sub("", PureWindowsPath(name).name))
    return SPACE.sub("", plain) if BIDS.match(plain) else plain


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The number and the stripped cells, by column, of every line that is not empty."""
    columns: list[str] = []
    where = path.name
    try:
        for line, cells in csv_rows(_text(path)):
            if columns and any(cells[len(columns) :]):
                where = f"{path.name}, line {line}"
                raise csv.Error("more cells than columns")
            if columns and any(cells):
                yield line, dict(zip(columns, cells, strict=False))
            elif any(cells):
                columns = [cell.lower() for cell in cells]
    except csv.Error as error:
        raise DataError(f"not a CSV: {error}", where=where, hint="save it as CSV", code="UB335") from None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        what, hint = f"cannot read the file: {error.strerror or error}", "check the path"
        raise DataError(what, where=path.name, hint=hint, code="UB321") from None
    except UnicodeDecodeError:
        raise DataError(
            "the table is not UTF-8", where=path.name, hint="save it as CSV", code="UB335"
        ) from None
