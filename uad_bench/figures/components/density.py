"""Two components of a method against each other: where lesion voxels lie, and where all others do.

Densities are kernel estimates on a fine grid: a histogram of every voxel, blurred by a Gaussian of Scott's width
(Scott 1992), n^(-1/6) of the deviation for two axes and n^(-1/5) for one. What would be
blurred over an edge is thrown back. Lines enclose 50, 80 and 95 % of a group.
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

from uad_bench.figures.slice_drawing import write_png
from uad_bench.figures.style import MARKERS, tidy
from uad_bench.leaderboard.render.escape import printable

Numbers = npt.NDArray[np.floating]
Span = tuple[float, float]
BINS, FEWEST = 160, 20  # bins of an axis; voxels below which a group has dots and no density
SHARES = (0.95, 0.8, 0.5)
OTHERS, LESION = "#0072b2", "#d55e00"


@dataclass(frozen=True, eq=False)
class Axis:
    """One of the two numbers of each voxel: its name, its unit ("" for none)."""

    name: str
    unit: str = ""

    @property
    def words(self) -> str:
        """What stands at the axis."""
        return printable(f"{self.name} ({self.unit})" if self.unit else self.name)


@dataclass(frozen=True, eq=False)
class Cloud:
    """The two numbers of the voxels outside all lesions (n, 2), and of those of each kind of lesion (m, 2)."""

    axes: tuple[Axis, Axis]
    others: Numbers
    lesions: Mapping[str, Numbers]

    @property
    def lesion(self) -> Numbers:
        """All lesion voxels, (m, 2)."""
        return np.concatenate([np.empty((0, 2), np.float32), *self.lesions.values()])


def draw_density(path: Path, cloud: Cloud, title: str) -> None:
    """Write the PNG: the joint densities with the marginal ones at their sides; equal arguments give equal bytes."""
    write_png(path, lambda: density(cloud, title))


def density(cloud: Cloud, title: str) -> Figure:
    """The figure. The median of each lesion kind is marked where there are several kinds."""
    figure = Figure(figsize=(7, 6.4), layout="constrained")
    figure.suptitle(printable(title), fontsize=10)
    grid = figure.add_gridspec(2, 2, width_ratios=(4, 1), height_ratios=(1, 4))
    centre = figure.add_subplot(grid[1, 0])
    spans = tuple(span([cloud.others[:, i], cloud.lesion[:, i]]) for i in (0, 1))
    handles = draw_joint(centre, cloud, (spans[0], spans[1]))
    top, right = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 1])
    for i, place in ((0, top), (1, right)):
        draw_marginal(place, [cloud.others[:, i], cloud.lesion[:, i]], spans[i], upright=i == 1)
    figure.legend(handles=handles, fontsize=8, frameon=False, loc="outside lower center", ncols=2)
    return figure


def span(groups: Sequence[Numbers]) -> Span:
    """What an axis shows: from the 0.5 to the 99.5 percentile of each group, a tenth more at both ends."""
    ends = [np.percentile(group, [0.5, 99.5]) for group in groups if group.size]
    low, high = (float(min(e[0] for e in ends)), float(max(e[1] for e in ends))) if ends else (0.0, 1.0)
    edge = 0.1 * (high - low) or 0.5
    return low - edge, high + edge


def centres(shown: Span) -> npt.NDArray[np.float64]:
    """The middle of each bin, (BINS,)."""
    edges = np.linspace(*shown, BINS + 1)
    return np.asarray((edges[1:] + edges[:-1]) / 2)


def draw_joint(place: Axes, cloud: Cloud, spans: tuple[Span, Span]) -> list[Line2D]:
    """Contours of both groups; what a legend may say of them is returned."""
    tidy(place)
    place.set(xlim=spans[0], ylim=spans[1], xlabel=cloud.axes[0].words, ylabel=cloud.axes[1].words)
    groups = [("brain outside lesions", cloud.others, OTHERS), ("lesion", cloud.lesion, LESION)]
    for _, values, colour in groups:
        _draw_group(place, values, spans, colour)
    handles = [Line2D([], [], color=c, label=f"{name}: {len(v):,} voxels") for name, v, c in groups]
    kinds = {kind: values for kind, values in cloud.lesions.items() if len(values)}
    for (kind, values), marker in zip(kinds.items() if len(kinds) > 1 else (), MARKERS, strict=False):
        how: dict[str, Any] = {
            "color": "k",
            "marker": marker,
            "linestyle": "none",
            "markersize": 6,
            "markeredgecolor": "w",
        }
        place.plot(*np.median(values, axis=0), **how)
        handles.append(Line2D([], [], label=f"median of {printable(kind)[:16]}", **how))
    return handles


def _draw_group(place: Axes, values: Numbers, spans: tuple[Span, Span], colour: str) -> None:
    if len(values) < FEWEST:
        place.plot(*values.T, ".", color=colour, markersize=4)
        return
    found = joint(values, spans)
    levels = enclosing(found, SHARES)
    x, y = map(centres, spans)
    place.contourf(x, y, found.T, [*levels, np.inf], colors=[colour], alpha=0.15)
    place.contour(x, y, found.T, levels, colors=[colour], linewidths=(0.8, 1.2, 1.6)[: len(levels)])


def draw_marginal(place: Axes, groups: Sequence[Numbers], shown: Span, *, upright: bool) -> None:
    """The density of each group along one axis."""
    at = centres(shown)
    for values, colour in zip(groups, (OTHERS, LESION), strict=True):
        if len(values) >= FEWEST:
            found = marginal(values, shown)
            place.plot(*((found, at) if upright else (at, found)), color=colour, linewidth=1.4)
    place.set(**({"ylim": shown} if upright else {"xlim": shown}))
    place.set_axis_off()


def joint(values: Numbers, spans: tuple[Span, Span]) -> npt.NDArray[np.float64]:
    """The density of (n, 2) numbers over `spans`, (BINS, BINS), whose sum is 1 where all of them lie within."""
    counts, _, _ = np.histogram2d(values[:, 0], values[:, 1], BINS, spans)
    widths = [_width(values[:, i], spans[i], 1 / 6) for i in (0, 1)]
    return np.asarray(ndimage.gaussian_filter(counts, widths, mode="reflect") / len(values))


def marginal(values: Numbers, shown: Span) -> npt.NDArray[np.float64]:
    """The density of (n,) numbers over a span, (BINS,)."""
    counts, _ = np.histogram(values, BINS, shown)
    width = _width(values, shown, 1 / 5)
    return np.asarray(ndimage.gaussian_filter1d(counts.astype(float), width, mode="reflect") / len(values))


def _width(values: Numbers, shown: Span, power: float) -> float:
    """Scott's width in bins; never less than a bin, where a histogram would show through."""
    deviation = float(np.std(values, dtype=np.float64))
    return max(1.0, float(deviation * len(values) ** -power) / (shown[1] - shown[0]) * BINS)


def enclosing(density: npt.NDArray[np.float64], shares: Sequence[float]) -> list[float]:
    """The levels above which these shares of a density lie, rising; equal ones once."""
    falling = np.sort(density, axis=None)[::-1]
    reached = np.cumsum(falling) / max(float(falling.sum()), 1e-300)
    places = np.searchsorted(reached, shares).clip(0, falling.size - 1)
    return [float(level) for level in np.unique(falling[places])]
