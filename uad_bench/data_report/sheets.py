"""Sheets of prepared cases, twelve per sheet: three planes with outlines, histograms, measures.

Planes are drawn in neurological convention (the subject's left on the left); in the sagittal one anterior is on the
right.
"""

import gc
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.figures.figure_files import write_png
from uad_bench.figures.slices import robust_range
from uad_bench.leaderboard.render.escape import printable
from uad_bench.types import BoolArray, FloatArray

#: Colours of Okabe and Ito, which are distinguishable with colour vision deficiency.
BRAIN, LESION, ATLAS = "#56b4e9", "#d55e00", "#f0e442"
CASES_PER_SHEET, BINS = 12, 64
WIDTH, ROW, HEAD, DPI = 14.5, 1.9, 0.6, 90
#: Left edge and width of each column in inches: three planes, two histograms, text.
COLUMNS = ((0.05, 1.75), (1.85, 1.75), (3.65, 2.05), (5.95, 1.75), (7.95, 1.75), (9.95, 4.5))
TEXT_WIDTH, TEXT_LINES, LINE = 78, 10, 0.155
#: Characters of a heading that fit next to the planes at 10 points; longer ones are smaller, never cut.
HEADING = 46


@dataclass(frozen=True)
class Histogram:
    """Shares of voxels in bins of equal width between `low` and `high`; the outer bins include values beyond."""

    low: float
    high: float
    shares: tuple[float, ...]

    @classmethod
    def of(cls, values: npt.NDArray[np.floating], low: float, high: float) -> "Histogram":
        """The histogram of the finite values (n,)."""
        finite = values[np.isfinite(values)]
        counts, _ = np.histogram(np.clip(finite, low, high), bins=BINS, range=(low, high))
        return cls(low, high, tuple((counts / max(finite.size, 1)).tolist()))


@dataclass(frozen=True, eq=False)
class SheetRow:
    """One modality of a case. Arrays (X, Y, Z) in RAS+ on the prepared grid, masks None where there is none.

    lines: text on the right, the first line bold; before, after: intensities in the brain, in the source file and as
    prepared; mark: the median of the cohort, drawn in `after`.
    """

    lines: tuple[str, ...]
    warnings: tuple[str, ...]
    image: FloatArray
    brain_mask: BoolArray
    lesion_mask: BoolArray | None
    atlas_mask: BoolArray | None
    spacing: tuple[float, float, float]
    before: Histogram | None
    after: Histogram
    mark: float


def draw_sheet(path: Path, rows: Iterable[SheetRow], count: int, title: str) -> tuple[int, int]:
    """Write a PNG of `count` rows, each of which is read when it is drawn; returns width and height in pixels.

    Equal rows give equal bytes. Raises EnvironmentFault where the file cannot be written.
    """
    size = (WIDTH, HEAD + ROW * count)
    write_png(path, lambda: _sheet(size, rows, title), dpis=(DPI,))
    gc.collect()  # a figure and its axes refer to each other, so the garbage collector frees them late
    return round(size[0] * DPI), round(size[1] * DPI)


def _sheet(size: tuple[float, float], rows: Iterable[SheetRow], title: str) -> Figure:
    figure = Figure(figsize=size, dpi=DPI)
    _draw_head(figure, title)
    for number, row in enumerate(rows):
        _draw_row(figure, row, HEAD + ROW * number)
    return figure


def _draw_head(figure: Figure, title: str) -> None:
    """The title, and the legend of the outlines."""
    _text(figure, 0.1, 0.2, printable(title), fontsize=11, va="center")
    words = (("brain mask", BRAIN), ("lesion mask", LESION), ("atlas", ATLAS))
    box = {"facecolor": "0.15", "edgecolor": "none", "pad": 2}
    for number, (word, colour) in enumerate(words):
        left = COLUMNS[-1][0] + 1.2 * number
        _text(figure, left, 0.2, word, fontsize=10, va="center", bbox=box, color=colour)


def _text(figure: Figure, left: float, down: float, text: str, **style: Any) -> None:
    """Text at a distance from the left and from the top in inches."""
    figure.text(left / WIDTH, 1 - down / figure.get_figheight(), text, parse_math=False, **style)


def _draw_row(figure: Figure, row: SheetRow, down: float) -> None:
    """A row whose top is `down` inches below that of the sheet."""
    height = figure.get_figheight()

    def add_axes(column: int, below: float, high: float) -> Axes:
        left, width = COLUMNS[column]
        bottom = height - down - below - high
        return figure.add_axes((left / WIDTH, bottom / height, width / WIDTH, high / height))

    for axis, column in ((2, 0), (1, 1), (0, 2)):
        _draw_plane(add_axes(column, 0, ROW - 0.1), row, axis)
    _draw_histogram(add_axes(3, 0.25, ROW - 0.65), row.before, "in the file")
    _draw_histogram(add_axes(4, 0.25, ROW - 0.65), row.after, "prepared", row.mark)
    _draw_text(figure, row, down)


def _draw_plane(axes: Axes, row: SheetRow, axis: int) -> None:
    """The slice across `axis` with most lesion voxels, or through the centre of the brain, with outlines."""
    index = slice_index(row, axis)
    across, up = [a for a in (0, 1, 2) if a != axis]

    def cut(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        plane: npt.NDArray[Any] = np.take(array, index, axis=axis).T
        return plane

    low, high = robust_range([row.image[row.brain_mask]])
    aspect = row.spacing[up] / row.spacing[across]
    axes.imshow(cut(row.image), cmap="gray", vmin=low, vmax=high, origin="lower", aspect=aspect)
    for mask, colour, width in (
        (row.atlas_mask, ATLAS, 0.9),
        (row.brain_mask, BRAIN, 0.7),
        (row.lesion_mask, LESION, 0.9),
    ):
        if mask is not None and cut(mask).any() and not cut(mask).all():
            axes.contour(cut(mask), levels=[0.5], colors=[colour], linewidths=[width])
    axes.set(facecolor="k", xticks=[], yticks=[])
    left, right = ("P", "A") if axis == 0 else ("L", "R")
    for x, side in ((0.03, left), (0.97, right)):
        axes.text(x, 0.04, side, color="w", fontsize=7, ha="center", transform=axes.transAxes)
    axes.text(0.03, 0.93, f"{'xyz'[axis]} {index}", color="0.7", fontsize=6, transform=axes.transAxes)


def slice_index(row: SheetRow, axis: int) -> int:
    """Index of the slice across an axis with most lesion voxels, without a lesion the centre of the brain."""
    others = tuple(a for a in (0, 1, 2) if a != axis)
    if row.lesion_mask is not None and row.lesion_mask.any():
        return int(np.argmax(row.lesion_mask.sum(axis=others)))
    brain = row.brain_mask.sum(axis=others)
    return round(float(np.average(np.arange(brain.size), weights=brain))) if brain.any() else brain.size // 2


def _draw_histogram(axes: Axes, shown: Histogram | None, title: str, mark: float | None = None) -> None:
    axes.set_title(title, fontsize=7, pad=2, loc="left", color="0.3")
    axes.set_yticks([])
    axes.tick_params(labelsize=6, length=2, pad=1)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if shown is None:
        axes.text(0.5, 0.5, "cannot be read", fontsize=7, ha="center", transform=axes.transAxes)
        return
    edges = np.linspace(shown.low, shown.high, len(shown.shares) + 1)
    axes.stairs(shown.shares, edges, fill=True, color="0.45")
    axes.set_xlim(shown.low, shown.high)
    axes.locator_params(axis="x", nbins=4)
    if mark is not None:
        axes.axvline(mark, color="#0072b2", linestyle="--", linewidth=0.9)


def _draw_text(figure: Figure, row: SheetRow, down: float) -> None:
    """The text of a row: as many lines as fit."""
    left = COLUMNS[-1][0]
    first, *others = [printable(line) for line in row.lines]
    size = min(10.0, 10 * HEADING / max(len(first), 1))
    _text(figure, left, down, first, fontsize=size, weight="bold", va="top")
    lines = [part for line in others for part in textwrap.wrap(line, TEXT_WIDTH)]
    warned = [part for line in row.warnings for part in textwrap.wrap(f"! {printable(line)}", TEXT_WIDTH)]
    room = max(TEXT_LINES - len(lines), 1)
    if len(warned) > room:
        warned[room - 1 :] = [f"! and {len(warned) - room + 1} more lines"]
    coloured = [*((line, "0.1") for line in lines), *((line, LESION) for line in warned)]
    for number, (line, colour) in enumerate(coloured):
        _text(figure, left, down + 0.24 + LINE * number, line, fontsize=8, va="top", color=colour)
