"""predictions.tsv: the volumes of all predictions in a folder, from the JSON files of their maps."""

import csv
import io
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from uad_bench.results import bids
from uad_bench.support.atomic_files import write_text

log = logging.getLogger(__name__)

TABLE = "predictions.tsv"
COLUMNS = ("case_id", "model", "rule", "threshold", "volume_ml", "share_of_brain", "brain_ml", "map")
#: Columns and the keys of a threshold in a JSON file.
OF_THRESHOLD = {
    "rule": "Rule", "threshold": "Value", "volume_ml": "VolumeMl", "share_of_brain": "ShareOfBrain",
}  # fmt: skip


def write_table(to: Path) -> None:
    """One row for each map and threshold, of all predictions in the folder. A JSON file that does not have the numbers
    of a prediction, because it was edited, is named in a warning."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    for path in sorted(to.rglob("*_scoremap.nii.gz")):
        about = bids.described(path)
        if has_numbers(about):
            writer.writerows(_rows(path.relative_to(to), about))
        elif not about or "Background" in about:
            log.warning("%s: its JSON file was changed or lost: no row in %s", path.name, TABLE)
    write_text(to / TABLE, text.getvalue())


def has_numbers(about: Mapping[str, Any]) -> bool:
    """Whether the JSON file of a map has all numbers of a prediction; that of a raw map and of an edited one do not."""
    try:
        list(_rows(Path(), about))
        _ = [f"{one['Rule']} {one['VolumeMl']:.2f}" for one in about["Thresholds"]]
    except (KeyError, TypeError, AttributeError, ValueError):
        return False
    return "Background" in about


def _rows(path: Path, about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    same = {
        "case_id": about["CaseId"],
        "model": about["Model"],
        "brain_ml": about["BrainVolumeMl"],
        "map": path.as_posix(),
    }
    for one in about["Thresholds"] or [{}]:
        yield same | {column: one.get(key, "n/a") for column, key in OF_THRESHOLD.items()}
