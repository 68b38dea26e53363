"""Joint density of two components of a method: lesion voxels against all other brain voxels.

Densities are kernel estimates on a grid: a histogram of every voxel, smoothed by a Gaussian with Scott's bandwidth
(Scott 1992), n**(-1/6) of the standard deviation for two axes and n**(-1/5) for one; mass that the smoothing would
move over the edge is reflected. Contours enclose 50, 80 and 95 % of a group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import ndimage

from uad_bench.figures.figure_files import write_png
from uad_bench.figures.style import MARKERS, add_grid, folded
from uad_bench.leaderboard.render.escape import printable

Numbers = npt.NDArray[np.floating]
Limits = tuple[float, float]
BINS, MIN_VOXELS = 160, 20  # bins per axis; smaller groups are drawn as dots, without a density
SHARES = (0.95, 0.8, 0.5)
OUTSIDE_COLOUR, LESION_COLOUR = "#0072b2", "#d55e00"


@dataclass(frozen=True, eq=False)
class Quantity:
    """A quantity of each voxel: its name and its unit ("" for none)."""

    name: str
    unit: str = ""

    @property
    def label(self) -> str:
        """The label of its axis."""
        return printable(f"{self.name} ({self.unit})" if self.unit else self.name)


@dataclass(frozen=True, eq=False)
class JointSample:
    """Two quantities of voxels: outside all lesions (n, 2), and in lesions of each kind (m, 2)."""

    quantities: tuple[Quantity, Quantity]
    outside: Numbers
    lesions: Mapping[str, Numbers]

    @property
    def lesion(self) -> Numbers:
        """All lesion voxels, (m, 2)."""
        return np.concatenate([np.empty((0, 2), np.float32), *self.lesions.values()])


def draw_density(path: Path, sample: JointSample, title: str) -> None:
    """Write the PNG: joint densities with the marginal densities next to them; equal arguments give equal bytes."""
    write_png(path, lambda: density_figure(sample, title))


def density_figure(sample: JointSample, title: str) -> Figure:
    """The figure. The median of each lesion kind is marked where there are several kinds."""
    figure = Figure(figsize=(7, 6.4), layout="constrained")
    figure.suptitle(printable(title), fontsize=10)
    grid = figure.add_gridspec(2, 2, width_ratios=(4, 1), height_ratios=(1, 4))
    centre = figure.add_subplot(grid[1, 0])
    limits = tuple(axis_limits([sample.outside[:, i], sample.lesion[:, i]]) for i in (0, 1))
    handles = draw_joint_density(centre, sample, (limits[0], limits[1]))
    top, right = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 1])
    for i, axes in ((0, top), (1, right)):
        _draw_marginal(axes, [sample.outside[:, i], sample.lesion[:, i]], limits[i], upright=i == 1)
    figure.legend(handles=handles, fontsize=8, frameon=False, loc="outside lower center", ncols=2)
    return figure


def axis_limits(groups: Sequence[Numbers]) -> Limits:
    """Limits of an axis: the 0.5th to the 99.5th percentile of each group, extended by a tenth at both ends."""
    ends = [np.percentile(group, [0.5, 99.5]) for group in groups if group.size]
    low, high = (float(min(e[0] for e in ends)), float(max(e[1] for e in ends))) if ends else (0.0, 1.0)
    edge = 0.1 * (high - low) or 0.5
    return low - edge, high + edge


def bin_centres(limits: Limits) -> npt.NDArray[np.float64]:
    """The centre of each bin, (BINS,)."""
    edges = np.linspace(*limits, BINS + 1)
    return np.asarray((edges[1:] + edges[:-1]) / 2)


def draw_joint_density(axes: Axes, sample: JointSample, limits: tuple[Limits, Limits]) -> list[Line2D]:
    """Draw contours of both groups and the medians of several lesion kinds; returns the handles of a legend."""
    add_grid(axes)
    x, y = sample.quantities
    axes.set(xlim=limits[0], ylim=limits[1], xlabel=x.label, ylabel=y.label)
    groups = [
        ("brain outside lesions", sample.outside, OUTSIDE_COLOUR),
        ("lesion", sample.lesion, LESION_COLOUR),
    ]
    for _, values, colour in groups:
        _draw_group(axes, values, limits, colour)
    handles = [Line2D([], [], color=c, label=f"{name}: {len(v):,} voxels") for name, v, c in groups]
    kinds = {kind: values for kind, values in sample.lesions.items() if len(values)}
    for (kind, values), marker in zip(kinds.items() if len(kinds) > 1 else (), MARKERS, strict=False):
        style: dict[str, Any] = {
            "color": "k",
            "marker": marker,
            "linestyle": "none",
            "markersize": 6,
            "markeredgecolor": "w",
        }
        axes.plot(*np.median(values, axis=0), **style)
        handles.append(Line2D([], [], label=f"median of {folded(kind)}", **style))
    return handles


def _draw_group(axes: Axes, values: Numbers, limits: tuple[Limits, Limits], colour: str) -> None:
    if len(values) < MIN_VOXELS:
        axes.plot(*values.T, ".", color=colour, markersize=4)
        return
    found = joint_density(values, limits)
    levels = enclosing_levels(found, SHARES)
    x, y = map(bin_centres, limits)
    axes.contourf(x, y, found.T, [*levels, np.inf], colors=[colour], alpha=0.15)
    axes.contour(x, y, found.T, levels, colors=[colour], linewidths=(0.8, 1.2, 1.6)[: len(levels)])


def _draw_marginal(axes: Axes, groups: Sequence[Numbers], limits: Limits, *, upright: bool) -> None:
    """The density of each group along one axis."""
    at = bin_centres(limits)
    for values, colour in zip(groups, (OUTSIDE_COLOUR, LESION_COLOUR), strict=True):
        if len(values) >= MIN_VOXELS:
            found = marginal_density(values, limits)
            axes.plot(*((found, at) if upright else (at, found)), color=colour, linewidth=1.4)
    axes.set(**({"ylim": limits} if upright else {"xlim": limits}))
    axes.set_axis_off()


def joint_density(values: Numbers, limits: tuple[Limits, Limits]) -> npt.NDArray[np.float64]:
    """Density of (n, 2) values within limits, (BINS, BINS), normalised to a sum of 1 over all values."""
    counts, _, _ = np.histogram2d(values[:, 0], values[:, 1], BINS, limits)
    widths = [_bandwidth(values[:, i], limits[i], 1 / 6) for i in (0, 1)]
    return np.asarray(ndimage.gaussian_filter(counts, widths, mode="reflect") / len(values))


def marginal_density(values: Numbers, limits: Limits) -> npt.NDArray[np.float64]:
    """Density of (n,) values within limits, (BINS,), normalised to a sum of 1 over all values."""
    counts, _ = np.histogram(values, BINS, limits)
    width = _bandwidth(values, limits, 1 / 5)
    return np.asarray(ndimage.gaussian_filter1d(counts.astype(float), width, mode="reflect") / len(values))


def _bandwidth(values: Numbers, limits: Limits, power: float) -> float:
    """Scott's bandwidth in bins, at least one bin, below which the histogram would be visible."""
    deviation = float(np.std(values, dtype=np.float64))
    return max(1.0, float(deviation * len(values) ** -power) / (limits[1] - limits[0]) * BINS)


def enclosing_levels(density: npt.NDArray[np.float64], shares: Sequence[float]) -> list[float]:
    """The levels above which these shares of a density lie, in rising order, without duplicates."""
    falling = np.sort(density, axis=None)[::-1]
    reached = np.cumsum(falling) / max(float(falling.sum()), 1e-300)
    places = np.searchsorted(reached, shares).clip(0, falling.size - 1)
    return [float(level) for level in np.unique(falling[places])]
