"""The picture of a run: image, anomaly map and outlines of a few cases beside the precision-recall curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.figures.slice_drawing import OUTLINE, THRESHOLD, contour, show, sides, write_png
from uad_bench.figures.slices import Panel, Slice, robust_range, slice_of
from uad_bench.leaderboard.render.escape import printable

CURVES = ("#000000", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
MOST_PANELS, MOST_POINTS = 6, 500


def draw_sheet(
    path: Path,
    panels: Sequence[Panel],
    curves: Mapping[str, Curve],
    title: str,
    threshold: float | None = None,
) -> None:
    """Write the PNG; equal arguments give equal bytes.

    panels: at most six cases are shown, in their order, maps on one common scale (1 to 99.5 percentile of
    the scores inside the brains). curves: pooled, by group; those without a lesion voxel are left out.
    threshold: in the maps' own units, drawn as a second outline.
    """
    write_png(path, lambda: draw(panels[:MOST_PANELS], curves, title, threshold))


def draw(
    panels: Sequence[Panel], curves: Mapping[str, Curve], title: str, threshold: float | None = None
) -> Figure:
    """The figure: two cases a line (few: one), three pictures each, the curves on the right."""
    across = 2 if len(panels) > 2 else 1
    lines = max(-(-len(panels) // across), 1)
    figure = Figure(figsize=(15, 1.2 + max((2.1 if across == 2 else 3.4) * lines, 4.0)), layout="constrained")
    figure.suptitle(printable(title), fontsize=12, parse_math=False)
    halves = figure.add_gridspec(1, 2, width_ratios=(10, 5))
    _draw_cases(figure.add_subfigure(halves[0]), (lines, across), panels, threshold)
    _draw_curves(figure.add_subfigure(halves[1]).add_subplot(), curves)
    return figure


def _draw_cases(
    figure: SubFigure, grid: tuple[int, int], panels: Sequence[Panel], threshold: float | None
) -> None:
    """The cases, `grid` (lines, across), three pictures each."""
    scale = robust_range([panel.map[panel.brain_mask] for panel in panels])
    places = figure.subplots(grid[0], 3 * grid[1], squeeze=False)
    for place in places.flat:
        place.set_axis_off()
    shown = None
    for panel, three in zip(panels, places.reshape(-1, 3), strict=False):
        shown = _draw_case(three, panel, scale, threshold)
    if shown is not None:
        bar = figure.colorbar(shown, ax=places, location="bottom", shrink=0.4, aspect=40, pad=0.02)
        bar.set_label("anomaly map (inside the brain, one scale for all cases)", fontsize=8)
        bar.ax.tick_params(labelsize=7)


def _draw_case(
    places: npt.NDArray[Any], panel: Panel, scale: tuple[float, float], threshold: float | None
) -> AxesImage:
    """Image, map, image with outlines; the map is returned for the colour bar."""
    view = slice_of(panel)
    name = f"{printable(panel.case_id)[:26]} ({printable(panel.label)[:12]})"
    places[0].set_title(name, fontsize=8, loc="left", parse_math=False)
    places[1].set_title(f"slice z = {view.z}", fontsize=7, color="0.4", loc="right")
    for place in (places[0], places[2]):
        show(place, view.image, "gray", view.window, view.aspect)
    sides(places[0])
    _outline(places[2], view, threshold)
    return show(places[1], view.map, "inferno", scale, view.aspect)


def _outline(place: Axes, view: Slice, threshold: float | None) -> None:
    """Where the truth is, and where the map is at or above the threshold."""
    if threshold is not None:
        contour(place, view.map >= threshold, THRESHOLD, 0.8)
        place.set_title("≥ threshold", fontsize=7, color=THRESHOLD, loc="right")
    contour(place, view.lesion, OUTLINE, 1.2)
    place.set_title("lesion" if view.lesion.any() else "no lesion", fontsize=7, color=OUTLINE, loc="left")


def _draw_curves(place: Axes, curves: Mapping[str, Curve]) -> None:
    """Precision over recall as the steps that average precision sums, dashed at the prevalence."""
    drawn = [(g, curve, p) for g, curve in curves.items() if curve.n_found and (p := curve.prevalence)]
    for index, (group, curve, prevalence) in enumerate(drawn):
        colour, recall, precision = CURVES[index % len(CURVES)], *thinned(curve)
        label = f"{printable(group)}: AP {curve.ap():.3f}, prevalence {prevalence:.4f}"
        place.plot(recall, precision, color=colour, drawstyle="steps-pre", linewidth=1.4, label=label)
        place.axhline(prevalence, color=colour, linestyle="--", linewidth=0.8)
    place.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision", box_aspect=1)
    place.set_title("all voxels of a group, pooled", fontsize=9)
    place.grid(color="0.9", linewidth=0.6)
    if drawn:
        legend = place.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.12), frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)


def thinned(curve: Curve) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Recall and precision at up to 500 operating points, evenly over recall; the first and last stay."""
    points = curve.points
    evenly = np.linspace(points.tp[0], points.tp[-1], MOST_POINTS - 1)
    kept = np.unique(np.searchsorted(points.tp, evenly))
    tp, fp = points.tp[kept], points.fp[kept]
    precision = tp / (tp + fp)
    recall = tp / curve.n_positive
    return np.concatenate([[0.0], recall]), np.concatenate([precision[:1], precision])
