"""The figure sheet.png of a run: image, anomaly map and outlines of a few cases, and precision-recall curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.figures.figure_files import write_png
from uad_bench.figures.slice_drawing import (
    LESION_COLOUR,
    THRESHOLD_COLOUR,
    draw_outline,
    hide_axis,
    label_sides,
    show_slice,
)
from uad_bench.figures.slices import AxialSlice, CaseImages, axial_slice, robust_range
from uad_bench.leaderboard.render.escape import printable

CURVE_COLOURS = ("#000000", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
MAX_CASES, MAX_POINTS = 6, 500
#: Characters of a name that fit above image and map at 8 points; longer names are smaller, never cut.
NAME_AT_8_PT = 40


def draw_case_sheet(
    path: Path,
    cases: Sequence[CaseImages],
    curves: Mapping[str, Curve],
    title: str,
    threshold: tuple[str, float] | None = None,
) -> None:
    """Write the PNG; equal arguments give equal bytes.

    cases: the first six are shown, their maps on one common scale (1st to 99.5th percentile of the scores inside the
    brains); curves: pooled, by group, those without lesion voxels are skipped; threshold: name of the rule and value in
    the units of the maps, drawn as a second outline.
    """
    write_png(path, lambda: case_sheet(cases[:MAX_CASES], curves, title, threshold))


def case_sheet(
    cases: Sequence[CaseImages],
    curves: Mapping[str, Curve],
    title: str,
    threshold: tuple[str, float] | None = None,
) -> Figure:
    """The figure: two cases per line (one for up to two cases), three slices each, the curves on the right."""
    across = 2 if len(cases) > 2 else 1
    lines = max(-(-len(cases) // across), 1)
    figure = Figure(figsize=(15, 1.2 + max((2.1 if across == 2 else 3.4) * lines, 4.0)), layout="constrained")
    figure.suptitle(printable(title), fontsize=12, parse_math=False)
    halves = figure.add_gridspec(1, 2, width_ratios=(10, 5))
    _draw_cases(figure.add_subfigure(halves[0]), (lines, across), cases, threshold)
    _draw_curves(figure.add_subfigure(halves[1]).add_subplot(), curves)
    return figure


def _draw_cases(
    figure: SubFigure, grid: tuple[int, int], cases: Sequence[CaseImages], threshold: tuple[str, float] | None
) -> None:
    """The cases in a grid of (lines, cases per line), three slices each."""
    scale = robust_range([case.map[case.brain_mask] for case in cases])
    all_axes = figure.subplots(grid[0], 3 * grid[1], squeeze=False)
    for axes in all_axes.flat:
        hide_axis(axes)
    shown = None
    for case, three in zip(cases, all_axes.reshape(-1, 3), strict=False):
        shown = _draw_case(three, case, scale, threshold)
    if shown is not None:
        bar = figure.colorbar(shown, ax=all_axes, location="bottom", shrink=0.4, aspect=40, pad=0.02)
        bar.set_label("anomaly map (inside the brain, one scale for all cases)", fontsize=8)
        bar.ax.tick_params(labelsize=7)


def _draw_case(
    axes: npt.NDArray[Any], case: CaseImages, scale: tuple[float, float], threshold: tuple[str, float] | None
) -> AxesImage:
    """Image, anomaly map, image with outlines; returns the drawn map, for the colour bar."""
    view = axial_slice(case)
    name = printable(f"{case.case_id} ({case.label})")
    axes[0].set_title(name, fontsize=min(8.0, 8 * NAME_AT_8_PT / len(name)), loc="left", parse_math=False)
    axes[1].set_title(f"slice z = {view.z}", fontsize=7, color="0.4", loc="right")
    for one in (axes[0], axes[2]):
        show_slice(one, view.image, "gray", view.window, view.aspect)
    label_sides(axes[0])
    _draw_outlines(axes[2], view, threshold)
    return show_slice(axes[1], view.map, "inferno", scale, view.aspect)


def _draw_outlines(axes: Axes, view: AxialSlice, threshold: tuple[str, float] | None) -> None:
    """Outlines of the lesion mask, and of the map at or above the threshold."""
    if threshold is not None:
        rule, value = threshold
        draw_outline(axes, view.map >= value, THRESHOLD_COLOUR, 0.8)
        axes.set_title(f"≥ {printable(rule)}", fontsize=7, color=THRESHOLD_COLOUR, loc="right")
    draw_outline(axes, view.lesion, LESION_COLOUR, 1.2)
    text = "lesion" if view.lesion.any() else "no lesion"
    axes.set_title(text, fontsize=7, color=LESION_COLOUR, loc="left")


def _draw_curves(axes: Axes, curves: Mapping[str, Curve]) -> None:
    """Precision-recall curves as the steps that average precision sums; dashed lines at the prevalence."""
    drawn = [(g, curve, p) for g, curve in curves.items() if curve.n_found and (p := curve.prevalence)]
    for index, (group, curve, prevalence) in enumerate(drawn):
        colour, recall, precision = CURVE_COLOURS[index % len(CURVE_COLOURS)], *thinned(curve)
        label = f"{printable(group)}: AP {curve.ap():.3f}, prevalence {prevalence:.4f}"
        axes.plot(recall, precision, color=colour, drawstyle="steps-pre", linewidth=1.4, label=label)
        axes.axhline(prevalence, color=colour, linestyle="--", linewidth=0.8)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision", box_aspect=1)
    axes.set_title("all voxels of a group, pooled", fontsize=9)
    axes.grid(color="0.9", linewidth=0.6)
    if drawn:
        legend = axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.12), frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)


def thinned(curve: Curve) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Recall and precision at up to 500 operating points, evenly over recall, including the first and the last."""
    points = curve.points
    evenly = np.linspace(points.tp[0], points.tp[-1], MAX_POINTS - 1)
    kept = np.unique(np.searchsorted(points.tp, evenly))
    tp, fp = points.tp[kept], points.fp[kept]
    precision = tp / (tp + fp)
    recall = tp / curve.n_positive
    return np.concatenate([[0.0], recall]), np.concatenate([precision[:1], precision])
