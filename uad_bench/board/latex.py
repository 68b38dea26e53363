"""Tables -> LaTeX with booktabs; wide parts are scaled to the line by graphicx."""

from collections.abc import Sequence

from uad_bench.board import layout, notes, wording
from uad_bench.board.escape import latex as write
from uad_bench.board.summary import Table

NEEDS = "% needs \\usepackage[T1]{fontenc}, \\usepackage{booktabs} and \\usepackage{graphicx}"


def latex(tables: Sequence[Table]) -> str:
    """A `table` environment for each table, best numbers bold, in parts that fit a page, to be read by \\input."""
    if not tables:
        return "no results\n"
    return "\n".join([NEEDS, *(_environment(table) for table in tables)])


def _environment(table: Table) -> str:
    grids = [line for grid in layout.printed(table) for line in (r"\medskip", "", *_tabular(grid), "")]
    return "\n".join([
        r"\begin{table}", r"\centering",
        rf"\caption{{{_sentences([wording.title(table), *wording.facts(table)])}}}",
        r"\footnotesize", *grids, r"\medskip\raggedright",
        rf"\scriptsize {_sentences(notes.notes(table))}", r"\end{table}", "",
    ])  # fmt: skip


def _tabular(grid: layout.Grid) -> list[str]:
    """A grid, scaled down where it is wider than the line."""
    form = "".join("l" if index == grid.method else "r" for index in range(len(grid.heads)))
    return [
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{form}}}", r"\toprule",
        _line([write(heading) for heading in grid.headings]), r"\midrule",
        *(_line([_entry(entry) for entry in row]) for row in grid.rows),
        r"\bottomrule", r"\end{tabular}}",
    ]  # fmt: skip


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _entry(entry: layout.Entry) -> str:
    return rf"\textbf{{{write(entry.text)}}}" if entry.best else write(entry.text)


def _sentences(texts: Sequence[str]) -> str:
    return " ".join(f"{write(text)}." for text in texts)
