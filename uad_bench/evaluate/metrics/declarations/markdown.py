"""The tables of docs/metrics.md from the declarations; `scripts/metric_docs.py` writes them into the page."""

import re
from collections.abc import Iterable

from uad_bench.evaluate.metrics.declarations.declaration import Declaration
from uad_bench.evaluate.metrics.declarations.table import REASONS, SECTIONS

_ARROWS = {"higher": "↑", "lower": "↓", "": "–"}
_MARKED = re.compile(r"(<!-- metrics: (?P<name>[\w-]+) -->\n)(?:.*?)(<!-- end -->)", flags=re.DOTALL)


def filled(page: str) -> str:
    """The page with each part between `<!-- metrics: NAME -->` and `<!-- end -->` replaced by its table.

    NAME: a section of `table.SECTIONS`, or "reasons". Raises KeyError for another name, and ValueError where the page
    lacks one of the tables.
    """
    tables = {name: table(section) for name, section in SECTIONS.items()} | {"reasons": reasons()}
    found = [match["name"] for match in _MARKED.finditer(page)]
    if missing := tables.keys() - set(found):
        raise ValueError(f"the page has no place for {', '.join(sorted(missing))}")
    return _MARKED.sub(lambda match: f"{match[1]}{tables[match['name']]}{match[3]}", page)


def table(section: Iterable[Declaration]) -> str:
    """A Markdown table with one row for each metric.

    >>> print(table([Declaration("fpr", "voxel:Fpr", "", "FP / n⁻", ("empty_brain",), better="lower")]), end="")
    | metric | definition | range | better | values | undefined | source |
    |---|---|---|---|---|---|---|
    | `fpr` | FP / n⁻ | [0, 1] | ↓ | case, pooled | `empty_brain` |  |
    """
    return _markdown(
        ("metric", "definition", "range", "better", "values", "undefined", "source"), map(_row, section)
    )


def reasons() -> str:
    """A Markdown table of the reasons for a value that is not defined."""
    return _markdown(("reason", "meaning"), ((f"`{name}`", text) for name, text in REASONS.items()))


def _row(one: Declaration) -> tuple[str, ...]:
    return (
        f"`{one.name}`{' †' if one.oracle else ''}",
        one.formula,
        f"{one.value_range} {one.unit}".rstrip(),
        _ARROWS[one.better],
        ("per rule: " if one.per_rule else "") + ", ".join(one.forms),
        ", ".join(f"`{reason}`" for reason in one.undefined),
        one.source,
    )


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
