"""The CSV files of a run: their columns, and cells that read back as the same numbers."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from uad_bench.support.atomic_files import write_text

SPLIT_COLUMNS = (
    "dataset",
    "case_id",
    "subject_id",
    "role",
    "healthy",
    "lesion_kind",
    "site",
    "scanner",
    "age",
    "sex",
    "content",
)
CASE_COLUMNS = ("dataset", "case_id", "lesion_kind", "metric", "value", "reason")
METRIC_COLUMNS = (
    "dataset",
    "group",
    "metric",
    "value",
    "n",
    "undefined",
    "reason",
    "oracle",
    "higher_is_better",
)
#: A further column of metrics.csv, only in runs with a metric of a plug-in that declares its range.
VALUE_RANGE = "value_range"
TRAIN_COLUMNS = ("phase", "step", "name", "value")
THRESHOLD_COLUMNS = ("dataset", "rule", "value", "n_cases", "ids_sha256", "oracle", "reason")


def write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a CSV with exactly `columns`; None is an empty cell, floats read back equal."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(row.get(name)) for name in columns})
    write_text(path, text.getvalue())


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV, cells as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _cell(value: Any) -> str:  # any scalar
    if value is None:
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)
