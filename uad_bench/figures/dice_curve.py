"""The picture of one run's thresholds: Dice over every threshold, with a mark where each rule chose."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.figures.style import blank, look, save, short
from uad_bench.leaderboard.run_summary import ORACLE

MOST_POINTS = 500


def draw_dice(path: Path, curve: Curve, thresholds: Mapping[str, float], title: str = "") -> None:
    """Write Dice against threshold as `path` with the suffixes .png and .svg; equal arguments give equal bytes.

    curve: the pooled operating points of the lesion cases; thresholds: by rule, in the maps' own units. No file
    is written for a curve without a lesion voxel that any threshold finds.
    """
    save(lambda: dice(curve, thresholds, title), path.with_suffix(""))


def dice(curve: Curve, thresholds: Mapping[str, float], title: str = "") -> Figure | None:
    """The figure; a rule that looks at the test labels has a hollow mark and a dagger."""
    if not curve.n_found:
        return None
    figure, axes = blank(7, 4, None, title or "Dice of all voxels pooled, by threshold")
    at, values = dice_points(curve)
    axes.plot(at, values, color="k", linewidth=1.4, drawstyle="steps-pre")
    # A rule that lets nothing pass has no place on the axis.
    marked = sorted((rule, threshold) for rule, threshold in thresholds.items() if np.isfinite(threshold))
    for index, (rule, threshold) in enumerate(marked):
        drawn, oracle = look(index), f"@{rule}".startswith(ORACLE)
        value = curve.dice_at(threshold) or 0.0
        label = f"{short(rule)}{'†' if oracle else ''}: {value:.3f} at {threshold:.4g}"
        face = "white" if oracle else drawn.color
        axes.plot(
            threshold,
            value,
            color=drawn.color,
            marker=drawn.marker,
            markersize=12 if oracle else 7,
            markerfacecolor=face,
            linestyle="none",
            label=label,
            clip_on=False,
            zorder=3 if oracle else 4,
        )
    axes.set(xlabel="threshold (score ≥ threshold is anomalous)", ylabel="Dice", ylim=(0, None))
    if marked:
        axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.16))
    return figure


def dice_points(curve: Curve) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Thresholds from low to high and the Dice at each: up to 500, the best one among them."""
    points = curve.points
    values = 2 * points.tp / (points.tp + points.fp + curve.n_positive)
    spread = np.linspace(0, values.size - 1, min(values.size, MOST_POINTS)).round().astype(int)
    low, high = float(points.thresholds[-1]), float(points.thresholds[0])
    # Thresholds lie dense where scores do: some evenly over the scores, too, so that no stretch is empty.
    even = np.searchsorted(-points.thresholds, -np.linspace(low, high, MOST_POINTS // 2)).clip(
        0, values.size - 1
    )
    kept = np.unique(
        np.concatenate([spread[:: 1 if values.size <= MOST_POINTS else 2], even, [np.argmax(values)]])
    )
    return points.thresholds[kept][::-1].astype(np.float64), values[kept][::-1]
