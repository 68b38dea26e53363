"""Tables -> text in one of four formats. Equal tables give equal bytes."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from uad_bench.board import escape, layout, wording
from uad_bench.board.latex import latex
from uad_bench.board.summary import Cell, Row, Table
from uad_bench.errors import unknown_name

LONG_COLUMNS = (
    "protocol", "fingerprint", "train", "test", "options", "fit_ids", "test_ids", "origin", "rank", "method",
    "null", "seeds", "seeds_begun", "group", "metric", "mean", "sd", "sd_note", "n", "undefined", "reason",
    "marks",
)  # fmt: skip


def render(tables: Sequence[Table], form: str) -> str:
    """The tables as "markdown", "csv", "latex" or "json". Raises UsageError for another format."""
    if form not in FORMATS:
        raise unknown_name("format", form, FORMATS)
    return FORMATS[form](tables)


def markdown(tables: Sequence[Table]) -> str:
    """A section for each table: what pins it down, the table, how to read it."""
    if not tables:
        return "no results\n"
    return "\n".join(_section(table) for table in tables)


def _section(table: Table) -> str:
    grid, write = layout.page(table), escape.markdown
    lines = [f"## {write(wording.title(table))}", ""]
    lines += [f"- {write(fact)}" for fact in wording.facts(table)]
    lines += ["", _line([write(heading) for heading in grid.headings])]
    lines.append(_line(["---:", "---", "---:", *["---:"] * (len(grid.headings) - 3)]))
    for row in grid.rows:
        lines.append(_line([f"**{write(e.text)}**" if e.best else write(e.text) for e in row]))
    lines += ["", *(f"- {write(note)}" for note in wording.notes(table)), ""]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def long_csv(tables: Sequence[Table]) -> str:
    """One line for each number; full precision, fractions of 1, an empty cell where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LONG_COLUMNS)
    for record in (record for table in tables for record in _records(table)):
        writer.writerow([_cell(record.get(column)) for column in LONG_COLUMNS])
    return text.getvalue()


def _cell(value: str | float | None) -> str:
    return escape.spreadsheet(value) if isinstance(value, str) else "" if value is None else repr(value)


def strict_json(tables: Sequence[Table]) -> str:
    """The same numbers, nested: tables, their rows, their numbers. Nothing is NaN; undefined is null."""
    nested = [
        {**table.key._asdict(), "primary": table.primary, "lesion_cases": table.lesion,
         "healthy_cases": table.healthy, "apart": table.apart, "rows": [_nested(row) for row in table.rows]}
        for table in tables
    ]  # fmt: skip
    return json.dumps({"tables": nested}, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _nested(row: Row) -> dict[str, Any]:
    reported = [vars(paper) for paper in row.reported]
    return _about(row) | {
        "failures": list(row.failures), "reported": reported, "numbers": list(_numbers(row)),
    }  # fmt: skip


def _records(table: Table) -> Iterator[Mapping[str, Any]]:
    key = table.key._asdict()
    for row in table.rows:
        about = key | _about(row)
        for number in _numbers(row):
            yield about | {"origin": "measured"} | number
        for paper in row.reported:
            printed = {
                "origin": f"reported: {paper.source}",
                "rank": None,
                "seeds": None,
                "seeds_begun": None,
            }
            for metric, mean, sd in (("ap", paper.ap, paper.ap_sd), ("dice", paper.dice, paper.dice_sd)):
                yield about | printed | {"group": "all", "metric": metric, "mean": mean, "sd": sd}


def _about(row: Row) -> dict[str, Any]:
    return {
        "rank": row.rank, "method": row.label, "null": int(row.null), "seeds": row.done,
        "seeds_begun": row.begun, "marks": "; ".join(row.marks),
    }  # fmt: skip


def _numbers(row: Row) -> Iterator[dict[str, Any]]:
    for (group, metric), cell in row.cells.items():
        yield {"group": group, "metric": metric, **cell._asdict(), "sd_note": _no_sd(row, cell)}


def _no_sd(row: Row, cell: Cell) -> str:
    """Why a number has no deviation."""
    if cell.sd is not None or cell.mean is None:
        return ""
    return wording.NO_DEVIATION if row.deterministic else "n=1"


FORMATS: dict[str, Callable[[Sequence[Table]], str]] = {
    "markdown": markdown, "csv": long_csv, "latex": latex, "json": strict_json,
}  # fmt: skip
