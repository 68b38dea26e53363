"""Sensitivity of results to preprocessing -> Markdown, for terminals too, and CSV with all digits."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields

from uad_bench.leaderboard.layout import wording
from uad_bench.leaderboard.render import escape
from uad_bench.leaderboard.sensitivity import Sensitivity

HEADINGS = ("preparation", "seeds", "cases", "mean ± sd", "cases of both", "difference [95 %]", "p (Holm)")
NOTE = (
    "Mean over the cases with a value, then mean and sample standard deviation over seeds. Difference to the "
    "protocol's own preparation over the cases with a value under both, with its interval over seeds and patients; "
    "below ten subjects without interval and test. With one seed, intervals and tests are over patients only and "
    "hold for the trained models, not for the method."
)


def markdown(rows: Sequence[Sensitivity], metric: str) -> str:
    """A Markdown table for each test set."""
    lines: list[str] = []
    for test in dict.fromkeys(row.test for row in rows):
        lines += [
            f"## {_name(test)}: {metric}",
            "",
            f"| {' | '.join(HEADINGS)} |",
            "| --- |" + " ---: |" * (len(HEADINGS) - 1),
        ]
        lines += [f"| {' | '.join(_cells(row))} |" for row in rows if row.test == test] + [""]
    return "\n".join([*lines, NOTE])


def _cells(row: Sensitivity) -> tuple[str, ...]:
    mean = wording.NOTHING if row.mean is None else wording.mean_text(row.mean, row.sd)
    paired = "" if row.difference is None else str(row.paired)
    difference = "" if row.difference is None else wording.signed(row.difference)
    if row.low is not None and row.high is not None:
        difference += f" [{wording.signed(row.low)}, {wording.signed(row.high)}]"
    p = "" if row.p_holm is None else wording.p_text(row.p_holm)
    same = " (same voxels)" if row.same_voxels and row.difference is not None else ""
    texts = (row.preparation + same, str(row.seeds), str(row.cases), mean, paired, difference, p)
    return tuple(map(_name, texts))


def _name(text: str) -> str:
    """Text of a table cell. Only the column separator is escaped, since the table is also read in a terminal."""
    return escape.printable(text).replace("|", "\\|")


def as_csv(rows: Sequence[Sensitivity]) -> str:
    """The same numbers with all digits; undefined ones are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Sensitivity)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {
            name: escape.spreadsheet(value) if isinstance(value, str) else value
            for name, value in asdict(row).items()
        }
        for row in rows
    )
    return text.getvalue()
