"""Tables -> LaTeX with booktabs; wide parts are scaled to the line by graphicx."""

from collections.abc import Sequence

from uad_bench.leaderboard.layout import notes, text_grid, wording
from uad_bench.leaderboard.render.escape import latex as write
from uad_bench.leaderboard.table import Table

#: Lines of small print that a page holds beside a caption.
LINES = 42
NEEDS = "% needs \\usepackage[T1]{fontenc}, \\usepackage{booktabs} and \\usepackage{graphicx}"


def latex(tables: Sequence[Table]) -> str:
    """`table` environments for each table, best numbers bold, and what the marks mean below, to be read by \\input."""
    if not tables:
        return "no results\n"
    return "\n".join([NEEDS, *(_parts(table) for table in tables)])


def _parts(table: Table) -> str:
    """The floats of a table, then its notes as plain text: a float is cut where it is longer than a page."""
    captions = [[wording.title(table), *wording.facts(table)]]
    floats = _floats(text_grid.printed(table))
    name, said = write(wording.title(table)), _sentences(notes.notes(table))
    captions += [[f"{wording.title(table)}, continued"]] * (len(floats) - 1)
    return "\n".join(
        [
            *(_float(grids, _sentences(words)) for grids, words in zip(floats, captions, strict=True)),
            rf"\noindent{{\footnotesize \textbf{{{name}.}} {said}\par}}",
            "",
        ]
    )


def _floats(grids: Sequence[text_grid.Grid]) -> list[list[text_grid.Grid]]:
    """As many grids together as fit a page."""
    floats: list[list[text_grid.Grid]] = [[]]
    for grid in grids:
        lines = sum(len(one.rows) + 3 for one in [*floats[-1], grid])
        if floats[-1] and lines > LINES:
            floats.append([])
        floats[-1].append(grid)
    return floats


def _float(grids: Sequence[text_grid.Grid], caption: str) -> str:
    lines = [line for grid in grids for line in (r"\medskip", "", *_tabular(grid), "")]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            r"\footnotesize",
            *lines,
            r"\end{table}",
            "",
        ]
    )


def _tabular(grid: text_grid.Grid) -> list[str]:
    """A grid, scaled down where it is wider than the line."""
    form = "".join("l" if index == grid.method else "r" for index in range(len(grid.heads)))
    return [
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{form}}}",
        r"\toprule",
        _line([write(heading) for heading in grid.headings]),
        r"\midrule",
        *(_line([_entry(entry) for entry in row]) for row in grid.rows),
        r"\bottomrule",
        r"\end{tabular}}",
    ]


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _entry(entry: text_grid.Entry) -> str:
    return rf"\textbf{{{write(entry.text)}}}" if entry.best else write(entry.text)


def _sentences(texts: Sequence[str]) -> str:
    return " ".join(f"{write(text)}." for text in texts)
