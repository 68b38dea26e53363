"""Grid of methods and cases: one row per case, one column per method, each map on a scale of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from uad_bench.figures.figure_files import MAX_BYTES_OF_GRID, write_png
from uad_bench.figures.slice_drawing import LESION_COLOUR, draw_outline, label_sides, show_slice
from uad_bench.figures.slices import CaseImages, axial_slice, brain_slice, robust_range
from uad_bench.figures.style import folded
from uad_bench.leaderboard.render.escape import printable


@dataclass(frozen=True, eq=False)
class MethodMaps:
    """The maps of one method.

    detail: text below the label ("seed 0"); cases: each with the map of this method; values: the metric of each case,
    None where it is undefined; mean: of the metric over all test cases, not only those shown.
    """

    label: str
    detail: str
    cases: Sequence[CaseImages]
    values: Sequence[float | None]
    mean: float | None


def draw_method_grid(path: Path, methods: Sequence[MethodMaps], metric: str, title: str) -> None:
    """Write the PNG; equal arguments give equal bytes.

    Each map is on the scale of the 1st to the 99.5th percentile of its own scores inside the brain, since metrics that
    are based on ranks, such as average precision, do not depend on the scale.
    """
    write_png(path, lambda: method_grid(methods, metric, title), max_bytes=MAX_BYTES_OF_GRID)


def method_grid(methods: Sequence[MethodMaps], metric: str, title: str) -> Figure:
    """The figure. All methods have the same cases in the same order."""
    rows = len(methods[0].cases) if methods else 0
    figure = Figure(figsize=(1.75 * (1 + len(methods)), 1.1 + 2.05 * max(rows, 1)), layout="constrained")
    figure.suptitle(printable(title), fontsize=11)
    grid = figure.subplots(max(rows, 1), 1 + len(methods), squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for row in range(rows):
        _draw_image(grid[row, 0], methods[0].cases[row])
        for axes, method in zip(grid[row, 1:], methods, strict=True):
            shown = _draw_map(axes, method.cases[row], metric, method.values[row])
    if rows and methods:
        bar = figure.colorbar(shown, ax=grid, location="bottom", shrink=0.4, aspect=40, pad=0.02)
        bar.set_ticks(list(shown.get_clim()), labels=["1st percentile", "99.5th percentile"])
        bar.set_label("anomaly map, each on the scale of its own scores inside the brain", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    for axes, method in zip(grid[0, 1:] if rows else (), methods, strict=True):
        axes.set_title(f"{_heading(method, metric)}\n{axes.get_title()}", fontsize=8)
    return figure


def _heading(method: MethodMaps, metric: str) -> str:
    mean = "" if method.mean is None else f"\nmean {metric} {method.mean:.3f}"
    return folded(method.label, 22) + f"\n{printable(method.detail)}{mean}\n"


def _draw_image(axes: Axes, case: CaseImages) -> None:
    view = axial_slice(case)
    show_slice(axes, view.image, "gray", view.window, view.aspect)
    draw_outline(axes, view.lesion, LESION_COLOUR, 1.2)
    label_sides(axes)
    axes.set_ylabel(f"{folded(case.case_id, 24)}\n{folded(f'{case.label}, z = {view.z}', 24)}", fontsize=8)
    axes.set_title("lesion" if view.lesion.any() else "no lesion", fontsize=8, color=LESION_COLOUR)


def _draw_map(axes: Axes, case: CaseImages, metric: str, value: float | None) -> AxesImage:
    window = robust_range([case.map[case.brain_mask]])
    shown = show_slice(
        axes, brain_slice(case, case.map), "inferno", window, case.spacing[1] / case.spacing[0]
    )
    axes.set_title("" if value is None else f"{metric} {value:.3f}", fontsize=8)
    return shown
