"""Tables -> LaTeX `table` environments with booktabs; wide parts are scaled to the line width by graphicx."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from uad_bench.leaderboard.layout import notes, text_grid, wording
from uad_bench.leaderboard.layout.reading_order import reading_order
from uad_bench.leaderboard.render.escape import latex as write
from uad_bench.leaderboard.table import Table

#: Lines in footnote size that fit a page next to a caption.
LINES_PER_PAGE = 42
#: Lines of a grid next to its rows: the headings, and the space around it.
HEAD_LINES = 3
PACKAGES = "% needs \\usepackage[T1]{fontenc}, \\usepackage{booktabs} and \\usepackage{graphicx}"


def latex_tables(tables: Sequence[Table]) -> str:
    """LaTeX source for \\input: `table` environments of each table, the best values bold, then the notes as text."""
    if not tables:
        return "no results\n"
    return "\n".join([PACKAGES, *(_table(table) for table in reading_order(tables))])


def _table(table: Table) -> str:
    """The floats of a table, then its notes as plain text, since a float that is longer than a page is cut off."""
    captions = [[wording.title(table), *wording.facts(table)]]
    grids = text_grid.printed_grids(table)
    floats = _floats(grids)
    name, text = write(wording.title(table)), _sentences(notes.notes(table, grids))
    captions += [[f"{wording.title(table)}, continued"]] * (len(floats) - 1)
    return "\n".join(
        [
            *(_float(grids, _sentences(words)) for grids, words in zip(floats, captions, strict=True)),
            rf"\noindent{{\footnotesize \textbf{{{name}.}} {text}\par}}",
            "",
        ]
    )


def _floats(grids: Sequence[text_grid.Grid]) -> list[list[text_grid.Grid]]:
    """The grids in groups that fit a page each; a grid that is longer than a page in parts."""
    floats: list[list[text_grid.Grid]] = [[]]
    for part in (part for grid in grids for part in _pages(grid)):
        lines = sum(len(one.rows) + HEAD_LINES for one in [*floats[-1], part])
        if floats[-1] and lines > LINES_PER_PAGE:
            floats.append([])
        floats[-1].append(part)
    return floats


def _pages(grid: text_grid.Grid) -> Iterator[text_grid.Grid]:
    """A grid in parts of at most a page, each with the headings: LaTeX prints of a longer one what fits."""
    most = LINES_PER_PAGE - HEAD_LINES
    for first in range(0, max(len(grid.rows), 1), most):
        some = slice(first, first + most)
        yield replace(grid, rows=grid.rows[some], sources=grid.sources[some])


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
    """A grid as `tabular`, scaled down where it is wider than the line."""
    alignment = "".join("l" if index == grid.method else "r" for index in range(len(grid.headings)))
    return [
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
        _line([write(text) for text in grid.texts]),
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
