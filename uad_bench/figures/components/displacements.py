"""A shift as places: where each voxel is against where the method says it is, along x and along y."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.figures.components.density import (
    FEWEST,
    LESION,
    OTHERS,
    Axis,
    Cloud,
    Numbers,
    centres,
    draw_joint,
    marginal,
    span,
)
from uad_bench.figures.slice_drawing import write_png
from uad_bench.figures.style import GREY, tidy
from uad_bench.leaderboard.render.escape import printable


@dataclass(frozen=True, eq=False)
class Places:
    """A shift by its name and unit: x and y of each voxel, then of its other place, outside all lesions (n, 4) and in
    lesions (m, 4)."""

    name: str
    unit: str
    others: Numbers
    lesion: Numbers


def draw_places(path: Path, places: Places, title: str) -> None:
    """Write the PNG: x, y and the length of the shift; equal arguments give equal bytes."""
    write_png(path, lambda: figure_of(places, title))


def figure_of(places: Places, title: str) -> Figure:
    """The figure: two planes with the diagonal, on which nothing is shifted, and the densities of the lengths."""
    figure = Figure(figsize=(13, 4.4), layout="constrained")
    figure.suptitle(printable(title), fontsize=10)
    across = figure.subplots(1, 3)
    for place, letter, i in zip(across, "xy", (0, 1), strict=False):
        axes = Axis(f"{letter} of the voxel", places.unit), Axis(f"{letter}, {places.name}", places.unit)
        cloud = Cloud(axes, places.others[:, [i, i + 2]], {"": places.lesion[:, [i, i + 2]]})
        shown = span([cloud.others[:, 0], cloud.lesion[:, 0], cloud.others[:, 1], cloud.lesion[:, 1]])
        place.axline((0, 0), slope=1, color=GREY, linewidth=0.8)
        handles = draw_joint(place, cloud, (shown, shown))
        place.set_box_aspect(1)
        if i == 0:
            place.legend(handles=handles, fontsize=8, frameon=False, loc="upper left")
    _draw_lengths(across[2], places)
    return figure


def _draw_lengths(place: Axes, places: Places) -> None:
    tidy(place)
    groups = [np.hypot(v[:, 2] - v[:, 0], v[:, 3] - v[:, 1]) for v in (places.others, places.lesion)]
    shown = 0.0, span(groups)[1]
    for lengths, colour, name in zip(groups, (OTHERS, LESION), ("outside lesions", "lesion"), strict=True):
        if len(lengths) >= FEWEST:
            label = f"{name}, median {np.median(lengths):.2f}"
            place.plot(centres(shown), marginal(lengths, shown), color=colour, label=label)
    place.set(xlim=shown, ylim=(0, None), xlabel=printable(f"length of the shift ({places.unit})"), yticks=[])
    place.set_box_aspect(1)
    if place.lines:
        place.legend(fontsize=8, frameon=False)
