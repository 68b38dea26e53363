"""The picture of a prediction: axial slices of a scan in its own space, with its anomaly map and the outline of a
threshold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.data.nifti.read import Image, Mask, Volume
from uad_bench.figures.figure_files import MAX_BYTES_OF_GRID, write_png
from uad_bench.figures.slice_drawing import THRESHOLD_COLOUR, draw_outline, hide_axis, label_sides, show_slice
from uad_bench.figures.slices import robust_range
from uad_bench.leaderboard.render.escape import printable
from uad_bench.prepare.resampling.reorient import canonical
from uad_bench.types import BoolArray, FloatArray

SLICES, MARGIN = 7, 3
#: Part of the brain's height that evenly spaced slices cover.
FROM, TO = 0.12, 0.9


@dataclass(frozen=True)
class PredictionImages:
    """What is drawn. thresholds: (rule, value, ml at or above it), by value; the middle one is outlined."""

    title: str
    image: Image
    map: Image
    brain_mask: Mask
    thresholds: Sequence[tuple[str, float, float]]


@dataclass(frozen=True)
class _Upright:
    """The volumes turned to RAS+ and cut to the brain with a margin."""

    image: FloatArray
    map: FloatArray
    brain: BoolArray
    aspect: float


def draw_prediction(path: Path, what: PredictionImages) -> None:
    """Write the PNG; equal arguments give equal bytes."""
    write_png(path, lambda: prediction_sheet(what), max_bytes=MAX_BYTES_OF_GRID)


def prediction_sheet(what: PredictionImages) -> Figure:
    """The figure: the scan above, its map below, from the neck upwards."""
    view = _upright(what)
    rule = what.thresholds[len(what.thresholds) // 2] if what.thresholds else None
    above = (view.map >= rule[1]) & view.brain if rule else np.zeros_like(view.brain)
    levels = _levels(view.brain, above)
    figure = Figure(figsize=(2.0 * len(levels) + 0.8, 6.0), layout="constrained")
    figure.suptitle(printable(what.title), fontsize=11, parse_math=False)
    axes = figure.subplots(2, len(levels), squeeze=False)
    grey, scale = robust_range([view.image[view.brain]]), robust_range([view.map[view.brain]])
    for column, z in enumerate(levels):
        show_slice(axes[0, column], view.image[:, :, z].T, "gray", grey, view.aspect)
        draw_outline(axes[0, column], above[:, :, z].T, THRESHOLD_COLOUR, 0.9)
        masked = np.where(view.brain[:, :, z], view.map[:, :, z], np.float32(np.nan)).T
        shown = show_slice(axes[1, column], masked, "inferno", scale, view.aspect)
        draw_outline(axes[1, column], above[:, :, z].T, THRESHOLD_COLOUR, 0.9)
    for one in axes.flat:
        hide_axis(one)
    label_sides(axes[0, 0])
    bar = figure.colorbar(shown, ax=axes, location="bottom", shrink=0.4, aspect=40, pad=0.02)
    bar.set_label(_legend(what, rule), fontsize=8)
    _mark(bar.ax, what.thresholds, scale)
    bar.ax.tick_params(labelsize=7)
    return figure


def _upright(what: PredictionImages) -> _Upright:
    volumes = [canonical(one) for one in (what.image, what.map, what.brain_mask)]
    brain = volumes[2].array
    box = tuple(_reach(brain, axis) for axis in range(3))
    x, y, _ = Volume(brain, volumes[2].affine).grid.spacing
    return _Upright(volumes[0].array[box], volumes[1].array[box], brain[box], y / x)


def _reach(brain: BoolArray, axis: int) -> slice:
    """From the first to the last brain voxel along an axis, with a margin."""
    others = tuple(other for other in range(3) if other != axis)
    found = np.flatnonzero(brain.any(axis=others))
    return slice(max(int(found[0]) - MARGIN, 0), int(found[-1]) + MARGIN + 1)


def _levels(brain: BoolArray, above: BoolArray) -> list[int]:
    """Evenly spaced slices, and the one with most voxels above the threshold; from the neck upwards."""
    filled = np.flatnonzero(brain.any(axis=(0, 1)))
    low, high = filled[0], filled[-1]
    evenly = low + np.linspace(FROM, TO, SLICES) * (high - low)
    most = [int(np.argmax(above.sum(axis=(0, 1))))] if above.any() else []
    return sorted({*(round(float(z)) for z in evenly), *most})


def _legend(what: PredictionImages, rule: tuple[str, float, float] | None) -> str:
    text = "anomaly score (no probability)"
    if rule is None:
        return f"{text}; the model has no healthy quantile"
    volumes = ", ".join(f"{name} {ml:.1f} ml" for name, _, ml in what.thresholds)
    return f"{text}; outline: at or above {rule[0]}; volumes: {volumes}; no diagnosis"


def _mark(axes: Axes, thresholds: Sequence[tuple[str, float, float]], scale: tuple[float, float]) -> None:
    for _, value, _ in thresholds:
        if scale[0] <= value <= scale[1]:
            axes.axvline(value, color=THRESHOLD_COLOUR, linewidth=1.2)
