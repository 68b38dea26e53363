"""Plot of Dice over the threshold, with a mark at the threshold of each rule."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.figures.figure_files import write_png_and_svg
from uad_bench.figures.style import plot_style, single_plot
from uad_bench.leaderboard.render.escape import printable
from uad_bench.leaderboard.run_summary import ORACLE

MAX_POINTS = 500


class TabulatedDice(NamedTuple):
    """Dice at the threshold of a rule as metrics.csv has it: of all voxels pooled, and the mean over cases.

    Both are computed after all post-processing steps; None where there is no value.
    """

    pooled: float | None
    case: float | None


def draw_dice(
    path: Path,
    curve: Curve,
    thresholds: Mapping[str, float],
    title: str = "",
    tabulated: Mapping[str, TabulatedDice] | None = None,
) -> None:
    """Write Dice over the threshold as `path` with the suffixes .png and .svg; equal arguments give equal bytes.

    curve: pooled operating points of the lesion cases; thresholds: by rule, in the units of the maps; tabulated: values
    of the tables by rule. No file is written where no threshold detects a lesion voxel.
    """
    write_png_and_svg(path.with_suffix(""), lambda: dice_plot(curve, thresholds, title, tabulated or {}))


def dice_plot(
    curve: Curve,
    thresholds: Mapping[str, float],
    title: str = "",
    tabulated: Mapping[str, TabulatedDice] | None = None,
) -> Figure | None:
    """The figure; oracle thresholds, which use the test labels, have a hollow mark and a dagger.

    The curve and the marks are of all voxels pooled. A dash shows the mean over cases, which tables call `Dice@rule`:
    it differs, since pooling weights cases by their lesions. A mark off the curve is Dice after steps on thresholded
    maps, which the curve does not include.
    """
    if not curve.n_found:
        return None
    figure, axes = single_plot(7, 4, None, title or "Dice by threshold")
    at, values = dice_points(curve)
    axes.plot(at, values, color="k", linewidth=1.4, drawstyle="steps-pre")
    # An infinite threshold, which no voxel reaches, has no place on the axis.
    marked = sorted((rule, threshold) for rule, threshold in thresholds.items() if np.isfinite(threshold))
    for index, (rule, threshold) in enumerate(marked):
        found = (tabulated or {}).get(rule, TabulatedDice(None, None))
        pooled = (curve.dice_at(threshold) or 0.0) if found.pooled is None else found.pooled
        _draw_mark(axes, index, (rule, threshold), (pooled, found.case))
    axes.set(xlabel="threshold (score ≥ threshold is anomalous)", ylim=(0, None))
    axes.set_ylabel(
        "Dice of all voxels pooled\n(dash: mean over cases)" if tabulated else "Dice of all voxels pooled"
    )
    if marked:
        axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.16))
    return figure


def _draw_mark(axes: Axes, index: int, rule: tuple[str, float], dice: tuple[float, float | None]) -> None:
    """The mark of a rule (name, threshold) at its Dice (pooled, mean over cases), and a dash at the mean over cases."""
    pooled, mean = dice
    style, oracle = plot_style(index), f"@{rule[0]}".startswith(ORACLE)
    name = f"{printable(rule[0])}{'†' if oracle else ''} at {rule[1]:.4g}"
    case = "" if mean is None else f", mean over cases {mean:.3f}"
    axes.plot(
        rule[1],
        pooled,
        color=style.color,
        marker=style.marker,
        markersize=12 if oracle else 7,
        markerfacecolor="white" if oracle else style.color,
        linestyle="none",
        label=f"{name}: pooled {pooled:.3f}{case}",
        clip_on=False,
        zorder=3 if oracle else 4,
    )
    if mean is not None:
        dash: dict[str, Any] = {
            "marker": "_",
            "markersize": 16,
            "markeredgewidth": 2,
            "linestyle": "none",
            "label": "_",
        }
        axes.plot(rule[1], mean, color=style.color, clip_on=False, zorder=5, **dash)


def dice_points(curve: Curve) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Thresholds in rising order and Dice at each: about 500 points, including the maximum."""
    points = curve.points
    values = 2 * points.tp / (points.tp + points.fp + curve.n_positive)
    evenly = np.linspace(0, values.size - 1, min(values.size, MAX_POINTS)).round().astype(int)
    low, high = float(points.thresholds[-1]), float(points.thresholds[0])
    # Operating points are dense where scores are: points evenly over the scores fill the rest of the axis.
    over_scores = np.searchsorted(-points.thresholds, -np.linspace(low, high, MAX_POINTS // 2)).clip(
        0, values.size - 1
    )
    kept = np.unique(
        np.concatenate([evenly[:: 1 if values.size <= MAX_POINTS else 2], over_scores, [np.argmax(values)]])
    )
    return points.thresholds[kept][::-1].astype(np.float64), values[kept][::-1]
