"""Displacements: position of each voxel against the position that the method predicts for it, along x and along y."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.figures.components.density import (
    LESION_COLOUR,
    MIN_VOXELS,
    OUTSIDE_COLOUR,
    JointSample,
    Numbers,
    Quantity,
    axis_limits,
    bin_centres,
    draw_joint_density,
    marginal_density,
)
from uad_bench.figures.figure_files import write_png
from uad_bench.figures.style import GREY, add_grid
from uad_bench.leaderboard.render.escape import printable


@dataclass(frozen=True, eq=False)
class Displacements:
    """A component of kind "shift" by its name and unit.

    outside, lesion: x and y of each voxel, then of its displaced position, outside all lesions (n, 4) and in lesions
    (m, 4).
    """

    name: str
    unit: str
    outside: Numbers
    lesion: Numbers


def draw_displacements(path: Path, displacements: Displacements, title: str) -> None:
    """Write the PNG: x, y and the length of the displacements; equal arguments give equal bytes."""
    write_png(path, lambda: displacement_figure(displacements, title))


def displacement_figure(found: Displacements, title: str) -> Figure:
    """The figure: joint densities of x and of y with the diagonal of no displacement, and the densities of lengths."""
    figure = Figure(figsize=(13, 4.4), layout="constrained")
    figure.suptitle(printable(title), fontsize=10)
    plots = figure.subplots(1, 3)
    for axes, letter, i in zip(plots, "xy", (0, 1), strict=False):
        quantities = (
            Quantity(f"{letter} of the voxel", found.unit),
            Quantity(f"{letter}, {found.name}", found.unit),
        )
        sample = JointSample(quantities, found.outside[:, [i, i + 2]], {"": found.lesion[:, [i, i + 2]]})
        limits = axis_limits(
            [sample.outside[:, 0], sample.lesion[:, 0], sample.outside[:, 1], sample.lesion[:, 1]]
        )
        axes.axline((0, 0), slope=1, color=GREY, linewidth=0.8)
        handles = draw_joint_density(axes, sample, (limits, limits))
        axes.set_box_aspect(1)
        if i == 0:
            axes.legend(handles=handles, fontsize=8, frameon=False, loc="upper left")
    _draw_lengths(plots[2], found)
    return figure


def _draw_lengths(axes: Axes, found: Displacements) -> None:
    add_grid(axes)
    groups = [np.hypot(v[:, 2] - v[:, 0], v[:, 3] - v[:, 1]) for v in (found.outside, found.lesion)]
    limits = 0.0, axis_limits(groups)[1]
    colours, names = (OUTSIDE_COLOUR, LESION_COLOUR), ("outside lesions", "lesion")
    for lengths, colour, name in zip(groups, colours, names, strict=True):
        if len(lengths) >= MIN_VOXELS:
            label = f"{name}, median {np.median(lengths):.2f}"
            axes.plot(bin_centres(limits), marginal_density(lengths, limits), color=colour, label=label)
    axes.set(
        xlim=limits, ylim=(0, None), xlabel=printable(f"length of the displacement ({found.unit})"), yticks=[]
    )
    axes.set_box_aspect(1)
    if axes.lines:
        axes.legend(fontsize=8, frameon=False)
