"""Tables of subjects or cases: rows with their line numbers, from CSV, TSV or XLS files of any program."""

import csv
import io
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from uad_bench.data.csv_rows import csv_rows
from uad_bench.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """A row: its line in the file, its cells by column (lower case), and cells beyond the last column."""

    line: int
    cells: Mapping[str, str]
    surplus: tuple[str, ...] = ()

    def get(self, column: str) -> str:
        """The text of a cell without surrounding blanks; "" where there is no such column."""
        return self.cells.get(column.lower(), "")


def read_rows(path: Path) -> list[Row]:
    """The rows of a .csv or .tsv (comma, semicolon or tab; UTF-8, UTF-16 or
    Windows-1252, any line ends, with or without Excel's `sep=`) or of an .xls.

    Blank rows are skipped. Raises DataError for a file that cannot be read (UB321) or with two columns of one name
    (UB334).
    """
    lines = _from_sheet(path) if path.suffix.lower() == ".xls" else _from_text(path)
    header = [name.strip().lower() for name in lines[0][1]] if lines else []
    twice = [name for name in header if name and header.count(name) > 1]
    if twice:
        hint = "give each column a name of its own"
        raise DataError(f"two columns are named {twice[0]!r}", where=str(path), hint=hint, code="UB334")
    return [_row(line, cells, header) for line, cells in lines[1:]]


def _row(line: int, cells: list[str], header: list[str]) -> Row:
    surplus = tuple(cell for cell in cells[len(header) :] if cell)
    return Row(line, dict(zip(header, cells, strict=False)), surplus)


def _filled(rows: Iterable[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, their cells without surrounding blanks."""
    trimmed = [(line, [cell.strip() for cell in cells]) for line, cells in rows]
    return [(line, cells) for line, cells in trimmed if any(cells)]


def _from_text(path: Path) -> list[tuple[int, list[str]]]:
    try:
        raw = path.read_bytes()
        if raw.startswith(b"PK\x03\x04"):
            raise _unreadable(
                path, "an .xlsx or another zip file", "save its first sheet as CSV and name that"
            )
        text, skipped, named = _without_sep(_decoded(raw, path))
        first = text.split("\n", 1)[0]
        # Spreadsheets write semicolons in countries with decimal commas.
        of_name = "\t" if path.suffix.lower() == ".tsv" and "\t" in first else ""
        delimiter = named or of_name or max(",;\t", key=first.count)
        return _filled((line + skipped, cells) for line, cells in csv_rows(text, delimiter))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error, "save it as UTF-8 CSV") from error


def _decoded(raw: bytes, path: Path) -> str:
    """The text of a table; one that is no Unicode is read as Windows-1252, with a warning."""
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252")
        log.warning("%s: not UTF-8, read as Windows-1252: check names with accents", path.name)
        return text


def _without_sep(text: str) -> tuple[str, int, str]:
    """The text without the line `sep=;` that Excel puts first, the number of lines taken away, and the delimiter."""
    match = re.match(r"(?i)\"?sep=(.)\"?[ \t]*\r?\n", text)
    return (text[match.end() :], 1, match[1]) if match else (text, 0, "")


def _from_sheet(path: Path) -> list[tuple[int, list[str]]]:
    import xlrd

    try:
        # xlrd writes messages to stdout unless it has a log file.
        sheet = xlrd.open_workbook(path, logfile=io.StringIO()).sheet_by_index(0)
    except Exception as error:  # the reader raises many kinds for a damaged file
        raise _unreadable(path, error, "save its first sheet as CSV and name that") from error
    rows = (sheet.row_values(number) for number in range(sheet.nrows))
    return _filled((line, [_text(cell) for cell in cells]) for line, cells in enumerate(rows, start=1))


def _text(cell: object) -> str:
    """A cell as text in a CSV; every number in an .xls is a float."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _unreadable(path: Path, error: Exception | str, hint: str) -> DataError:
    return DataError(f"the table cannot be read: {error}", where=str(path), hint=hint, code="UB321")
