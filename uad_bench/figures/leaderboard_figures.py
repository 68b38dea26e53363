"""All figures of a leaderboard: values with intervals, recall by lesion size, pairs, ranks, accuracy against cost."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from uad_bench.figures.figure_files import write_png_and_svg
from uad_bench.figures.style import file_stem
from uad_bench.figures.tables.cost import cost_plot
from uad_bench.figures.tables.ranks import critical_difference_plot, rank_plot
from uad_bench.figures.tables.scores import forest_plot, paired_plot, recall_by_size_plot
from uad_bench.leaderboard.table import Table

PLOTS: dict[str, Callable[[Table], Figure | None]] = {
    "forest": forest_plot,
    "sizes": recall_by_size_plot,
    "paired": paired_plot,
    "ranks": rank_plot,
    "critical": critical_difference_plot,
    "cost": cost_plot,
}


def draw_tables(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Write every figure that the tables have values for; returns the files, `01-uad-1mm-mslub-forest.svg`."""
    written = []
    for number, table in enumerate(tables, 1):
        for kind, plot in PLOTS.items():
            stem = folder / f"{number:02d}-{file_stem(table.key.protocol)}-{file_stem(table.key.test)}-{kind}"
            written += write_png_and_svg(stem, partial(plot, table))
    return written
