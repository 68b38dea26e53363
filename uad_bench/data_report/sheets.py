"""Pictures of prepared cases, a dozen a sheet: three planes with outlines, histograms, what the record says.

Planes are drawn with the subject's left on the left (neurological display); the sagittal one looks to the right.
"""

import gc
import io
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.figures.slices import robust_range
from uad_bench.leaderboard.render.escape import printable
from uad_bench.support.atomic_files import write_bytes
from uad_bench.types import BoolArray, FloatArray

#: Okabe and Ito's colours, told apart by colour-blind readers.
BRAIN, LESION, ATLAS = "#56b4e9", "#d55e00", "#f0e442"
CASES_A_SHEET, BINS = 12, 64
WIDTH, ROW, HEAD, DPI = 14.5, 1.9, 0.6, 90
#: Left edge and width of each column, inches: three planes, two histograms, words.
COLUMNS = ((0.05, 1.75), (1.85, 1.75), (3.65, 2.05), (5.95, 1.75), (7.95, 1.75), (9.95, 4.5))
TEXT_WIDTH, TEXT_LINES, LINE = 78, 10, 0.155


@dataclass(frozen=True)
class Histogram:
    """Shares of voxels between `low` and `high`, in bins of equal width; what lies beyond is in the outer two."""

    low: float
    high: float
    shares: tuple[float, ...]

    @classmethod
    def of(cls, values: npt.NDArray[np.floating], low: float, high: float) -> "Histogram":
        """The histogram of the finite values (n,)."""
        sound = values[np.isfinite(values)]
        counts, _ = np.histogram(np.clip(sound, low, high), bins=BINS, range=(low, high))
        return cls(low, high, tuple((counts / max(sound.size, 1)).tolist()))


@dataclass(frozen=True, eq=False)
class Picture:
    """One modality of a case: a row of the sheet. Arrays (X, Y, Z), RAS+, on the prepared grid.

    lines: what stands beside it, the first one bold; before, after: intensities in the brain, as in the file
    and as prepared; mark: where the cohort's median is among `after`. Masks are None where there is none.
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


def draw_sheet(path: Path, pictures: Iterable[Picture], rows: int, title: str) -> tuple[int, int]:
    """Write the PNG of `rows` pictures, which are drawn one after the other; its width and height in pixels.

    Equal pictures give equal bytes. Raises EnvironmentFault where it cannot be written.
    """
    size = (WIDTH, HEAD + ROW * rows)
    data = _png(size, pictures, title)
    gc.collect()  # a figure and its axes refer to each other, so they would stay for a while
    write_bytes(path, data)
    return round(size[0] * DPI), round(size[1] * DPI)


def _png(size: tuple[float, float], pictures: Iterable[Picture], title: str) -> bytes:
    """The bytes of the picture, without a date or a version in them."""
    with style.context("default"):  # not whatever a user's matplotlibrc says
        figure, data = Figure(figsize=size, dpi=DPI), io.BytesIO()
        _head(figure, title)
        for row, picture in enumerate(pictures):
            _draw_row(figure, picture, HEAD + ROW * row)
        figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()


def _head(figure: Figure, title: str) -> None:
    """The title, and what the colours mean."""
    _text(figure, 0.1, 0.2, printable(title), fontsize=11, va="center")
    words = (("brain mask", BRAIN), ("lesion mask", LESION), ("atlas", ATLAS))
    box = {"facecolor": "0.15", "edgecolor": "none", "pad": 2}
    for number, (word, colour) in enumerate(words):
        left = COLUMNS[-1][0] + 1.2 * number
        _text(figure, left, 0.2, word, fontsize=10, va="center", bbox=box, color=colour)


def _text(figure: Figure, left: float, down: float, text: str, **how: Any) -> None:
    """Text at so many inches from the left and from the top."""
    figure.text(left / WIDTH, 1 - down / figure.get_figheight(), text, parse_math=False, **how)


def _draw_row(figure: Figure, picture: Picture, down: float) -> None:
    """A picture whose top is so many inches below that of the sheet."""
    height = figure.get_figheight()

    def place(column: int, below: float, high: float) -> Axes:
        left, width = COLUMNS[column]
        bottom = height - down - below - high
        return figure.add_axes((left / WIDTH, bottom / height, width / WIDTH, high / height))

    for axis, column in ((2, 0), (1, 1), (0, 2)):
        _draw_plane(place(column, 0, ROW - 0.1), picture, axis)
    _draw_histogram(place(3, 0.25, ROW - 0.65), picture.before, "in the file")
    _draw_histogram(place(4, 0.25, ROW - 0.65), picture.after, "prepared", picture.mark)
    _write(figure, picture, down)


def _draw_plane(place: Axes, picture: Picture, axis: int) -> None:
    """The slice across `axis` with most lesion, or through the middle of the brain, and its outlines."""
    index = slice_index(picture, axis)
    across, up = [a for a in (0, 1, 2) if a != axis]

    def cut(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        plane: npt.NDArray[Any] = np.take(array, index, axis=axis).T
        return plane

    low, high = robust_range([picture.image[picture.brain_mask]])
    aspect = picture.spacing[up] / picture.spacing[across]
    place.imshow(cut(picture.image), cmap="gray", vmin=low, vmax=high, origin="lower", aspect=aspect)
    for mask, colour, width in (
        (picture.atlas_mask, ATLAS, 0.9),
        (picture.brain_mask, BRAIN, 0.7),
        (picture.lesion_mask, LESION, 0.9),
    ):
        if mask is not None and cut(mask).any() and not cut(mask).all():
            place.contour(cut(mask), levels=[0.5], colors=[colour], linewidths=[width])
    place.set(facecolor="k", xticks=[], yticks=[])
    left, right = ("P", "A") if axis == 0 else ("L", "R")
    for x, side in ((0.03, left), (0.97, right)):
        place.text(x, 0.04, side, color="w", fontsize=7, ha="center", transform=place.transAxes)
    place.text(0.03, 0.93, f"{'xyz'[axis]} {index}", color="0.7", fontsize=6, transform=place.transAxes)


def slice_index(picture: Picture, axis: int) -> int:
    """Which slice across an axis is shown: that with most lesion voxels, else the brain's middle."""
    others = tuple(a for a in (0, 1, 2) if a != axis)
    if picture.lesion_mask is not None and picture.lesion_mask.any():
        return int(np.argmax(picture.lesion_mask.sum(axis=others)))
    brain = picture.brain_mask.sum(axis=others)
    return round(float(np.average(np.arange(brain.size), weights=brain))) if brain.any() else brain.size // 2


def _draw_histogram(place: Axes, shown: Histogram | None, title: str, mark: float | None = None) -> None:
    place.set_title(title, fontsize=7, pad=2, loc="left", color="0.3")
    place.set_yticks([])
    place.tick_params(labelsize=6, length=2, pad=1)
    place.spines[["top", "right", "left"]].set_visible(False)
    if shown is None:
        place.text(0.5, 0.5, "cannot be read", fontsize=7, ha="center", transform=place.transAxes)
        return
    edges = np.linspace(shown.low, shown.high, len(shown.shares) + 1)
    place.stairs(shown.shares, edges, fill=True, color="0.45")
    place.set_xlim(shown.low, shown.high)
    place.locator_params(axis="x", nbins=4)
    if mark is not None:
        place.axvline(mark, color="#0072b2", linestyle="--", linewidth=0.9)


def _write(figure: Figure, picture: Picture, down: float) -> None:
    """The words beside a row: as many lines as there is room for."""
    left = COLUMNS[-1][0]
    first, *others = [printable(line) for line in picture.lines]
    _text(figure, left, down, first, fontsize=10, weight="bold", va="top")
    told = [part for line in others for part in textwrap.wrap(line, TEXT_WIDTH)]
    warned = [part for line in picture.warnings for part in textwrap.wrap(f"! {printable(line)}", TEXT_WIDTH)]
    room = max(TEXT_LINES - len(told), 1)
    if len(warned) > room:
        warned[room - 1 :] = [f"! and {len(warned) - room + 1} lines more"]
    coloured = [*((line, "0.1") for line in told), *((line, LESION) for line in warned)]
    for number, (line, colour) in enumerate(coloured):
        _text(figure, left, down + 0.24 + LINE * number, line, fontsize=8, va="top", color=colour)
