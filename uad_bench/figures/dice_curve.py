"""Plot of Dice over the threshold, with a mark at the threshold of each rule."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.figures.figure_files import write_png_and_svg
from uad_bench.figures.style import plot_style, shorten, single_plot
from uad_bench.leaderboard.run_summary import ORACLE

MAX_POINTS = 500


def draw_dice(path: Path, curve: Curve, thresholds: Mapping[str, float], title: str = "") -> None:
    """Write Dice over the threshold as `path` with the suffixes .png and .svg; equal arguments give equal bytes.

    curve: pooled operating points of the lesion cases; thresholds: by rule, in the units of the maps. No file is
    written where no threshold detects a lesion voxel.
    """
    write_png_and_svg(path.with_suffix(""), lambda: dice_plot(curve, thresholds, title))


def dice_plot(curve: Curve, thresholds: Mapping[str, float], title: str = "") -> Figure | None:
    """The figure; oracle thresholds, which use the test labels, have a hollow mark and a dagger."""
    if not curve.n_found:
        return None
    figure, axes = single_plot(7, 4, None, title or "Dice of all voxels pooled, by threshold")
    at, values = dice_points(curve)
    axes.plot(at, values, color="k", linewidth=1.4, drawstyle="steps-pre")
    # An infinite threshold, which no voxel reaches, has no place on the axis.
    marked = sorted((rule, threshold) for rule, threshold in thresholds.items() if np.isfinite(threshold))
    for index, (rule, threshold) in enumerate(marked):
        style, oracle = plot_style(index), f"@{rule}".startswith(ORACLE)
        value = curve.dice_at(threshold) or 0.0
        axes.plot(
            threshold,
            value,
            color=style.color,
            marker=style.marker,
            markersize=12 if oracle else 7,
            markerfacecolor="white" if oracle else style.color,
            linestyle="none",
            label=f"{shorten(rule)}{'†' if oracle else ''}: {value:.3f} at {threshold:.4g}",
            clip_on=False,
            zorder=3 if oracle else 4,
        )
    axes.set(xlabel="threshold (score ≥ threshold is anomalous)", ylabel="Dice", ylim=(0, None))
    if marked:
        axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.16))
    return figure


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
