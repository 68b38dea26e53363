"""Tables -> CSV and JSON: every value in full precision, including those that no other format shows.

Column names, keys and values are read by machines and stay the same when texts for people change.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.render import escape
from uad_bench.leaderboard.statistic_types import Contrast
from uad_bench.leaderboard.table import Cell, Row, Table

LONG_COLUMNS = (
    "protocol",
    "fingerprint",
    "train",
    "test",
    "options",
    "fit_ids",
    "test_ids",
    "origin",
    "rank",
    "method",
    "null",
    "seeds",
    "seeds_begun",
    "group",
    "metric",
    "mean",
    "sd",
    "sd_note",
    "n",
    "undefined",
    "reason",
    "marks",
    "low",
    "high",
    "other",
    "p",
    "p_holm",
    "p_wilcoxon",
    "rank_low",
    "rank_high",
    "rank_first",
    "letters",
    "rank_by_case",
    "fold_sd",
    "baseline",
    "deterministic",
    "folds",
    "paper",
    "oracle",
    "higher_is_better",
    "trained_on",
    "p_seeds",
    "p_equal",
    "models",
    "track",
    "interval",
)
CONTRASTS = ("to_best", "to_baseline", "to_reference")


def long_csv(tables: Sequence[Table]) -> str:
    """CSV with one line per value: full precision, fractions of 1, an empty cell where there is no value.

    origin: "measured", "to_best", "to_baseline" and "to_reference" (differences to `other`), "cost", or "reported:
    source". oracle, higher_is_better: 1 or 0 for measured values; trained_on: the training set in words; track: that of
    the ranking; interval: how low and high of a measured value were computed, see `Cell`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LONG_COLUMNS)
    for record in (record for table in tables for record in _records(table)):
        writer.writerow([_cell(record.get(column)) for column in LONG_COLUMNS])
    return text.getvalue()


def _cell(value: str | float | None) -> str:
    return escape.spreadsheet(value) if isinstance(value, str) else "" if value is None else repr(value)


def strict_json(tables: Sequence[Table]) -> str:
    """JSON of the same values: tables, their rows, their values. No NaN; an undefined value is null.

    "<" is written as an escape, so that the text may be embedded in a page. Raises ValueError for NaN or infinity.
    """
    nested = [
        {
            **table.key._asdict(),
            "primary": table.primary,
            "lesion_cases": table.lesion,
            "healthy_cases": table.healthy,
            "not_comparable": table.not_comparable,
            "scheme": vars(table.scheme),
            "tau": table.tau,
            "critical": _as_dict(table.critical),
            "warnings": list(table.warnings),
            "rows": [_nested(row) for row in table.rows],
        }
        for table in tables
    ]
    text = json.dumps({"tables": nested}, indent=1, sort_keys=True, allow_nan=False)
    return text.replace("<", "\\u003c") + "\n"


def _nested(row: Row) -> dict[str, Any]:
    return (
        _row_fields(row)
        | {name: _as_dict(getattr(row, name)) for name in CONTRASTS}
        | {
            "rank_statistics": _as_dict(row.rank_statistics),
            "cost": row.cost._asdict(),
            "failures": list(row.failures),
            "reported": [vars(paper) for paper in row.reported],
            "numbers": list(_values(row)),
        }
    )


def _as_dict(given: Any) -> dict[str, Any] | None:  # any NamedTuple
    return None if given is None else given._asdict()


def _records(table: Table) -> Iterator[Mapping[str, Any]]:
    key = table.key._asdict() | {"trained_on": wording.trained_on(table.key)}
    for row in table.rows:
        common = key | _row_fields(row) | _rank_fields(row)
        yield from (common | record for record in (*_measured(row), *_reported(row)))


def _measured(row: Row) -> Iterator[dict[str, Any]]:
    for value in _values(row):
        flags = {"oracle": int(value["oracle"]), "higher_is_better": int(not value["lower"])}
        yield {"origin": "measured"} | value | flags
    for origin in CONTRASTS:
        found: Contrast | None = getattr(row, origin)
        if found:
            fields = found._asdict()
            yield {"origin": origin, "group": "all", "mean": fields.pop("difference")} | fields
    for name, cost in row.cost._asdict().items():
        if isinstance(cost, int | float):
            yield {"origin": "cost", "group": "", "metric": name, "mean": cost}


def _reported(row: Row) -> Iterator[dict[str, Any]]:
    unknown = dict.fromkeys(
        ("rank", "seeds", "seeds_begun", *_rank_fields(row), "deterministic", "folds", "models")
    )
    for paper in row.reported:
        common = unknown | {"origin": f"reported: {paper.source}", "group": "all", "paper": paper.citation}
        yield common | {"metric": "ap", "mean": paper.ap, "sd": paper.ap_sd}
        yield common | {"metric": "dice", "mean": paper.dice, "sd": paper.dice_sd}


def _row_fields(row: Row) -> dict[str, Any]:
    return {
        "rank": row.rank,
        "method": row.label,
        "null": int(row.null),
        "seeds": row.done,
        "seeds_begun": row.started,
        "marks": "; ".join(row.marks),
        "baseline": int(row.baseline),
        "deterministic": int(row.deterministic),
        "folds": row.folds,
        "paper": row.paper,
        "models": "; ".join(row.models),
    }


def _rank_fields(row: Row) -> dict[str, Any]:
    low, high, first, letters, by_case = row.rank_statistics or (None,) * 5
    return {
        "rank_low": low,
        "rank_high": high,
        "rank_first": first,
        "letters": letters,
        "rank_by_case": by_case,
    }


def _values(row: Row) -> Iterator[dict[str, Any]]:
    for (group, metric), cell in row.cells.items():
        yield {"group": group, "metric": metric, **cell._asdict(), "sd_note": _sd_note(row, cell)}


def _sd_note(row: Row, cell: Cell) -> str:
    """Why a value has no standard deviation."""
    if cell.sd is not None or cell.mean is None:
        return ""
    return wording.NO_DEVIATION if row.deterministic else f"n={cell.seeds}"
