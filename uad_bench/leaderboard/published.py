"""Results reported in papers, read from CSV files. They are shown next to measured results and never ranked."""

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from uad_bench.errors import DataError
from uad_bench.leaderboard.table import Reported

COLUMNS = (
    "method",
    "citation",
    "dataset",
    "modality",
    "n_test",
    "ceil_dice_mean",
    "ceil_dice_std",
    "auprc_mean",
    "auprc_std",
    "source",
)


def read(folder: Path) -> list[Reported]:
    """All reported results of the CSV files in a folder, as fractions of 1; sorted by file, then by line.

    The files hold per cent. The source "same" repeats that of the line above. Raises DataError with file, line and
    column where a value or a column is missing or invalid.
    """
    return [found for path in sorted(folder.glob("*.csv")) for found in _file(path)]


def _file(path: Path) -> Iterator[Reported]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"reported results lack the column {', '.join(missing)}", where=path.name)
        source = ""
        for row in reader:
            where = f"{path.name}, line {reader.line_num}"
            if None in row or None in row.values():
                raise DataError(
                    "reported results: the number of cells differs from the number of columns", where=where
                )
            source = source if row["source"] == "same" else row["source"]
            yield _reported(row, source, where)


def _reported(row: Mapping[str, str], source: str, where: str) -> Reported:
    return Reported(
        row["method"],
        row["dataset"],
        row["modality"],
        row["citation"],
        source,
        ap=_fraction(row, "auprc_mean", where),
        ap_sd=_fraction(row, "auprc_std", where),
        dice=_fraction(row, "ceil_dice_mean", where),
        dice_sd=_fraction(row, "ceil_dice_std", where),
    )


def _fraction(row: Mapping[str, str], column: str, where: str) -> float | None:
    """A cell in per cent as a fraction of 1, None for an empty cell."""
    text = row[column].strip()
    try:
        value = float(text) if text else None
    except ValueError:
        value = math.nan
    if value is not None and not 0 <= value <= 100:
        raise DataError(
            f"{column} is {text!r}", where=where, hint="expected a percentage from 0 to 100, or an empty cell"
        )
    return None if value is None else value / 100
