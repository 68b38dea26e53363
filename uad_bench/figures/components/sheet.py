"""What a method does inside, seen on a few cases: a row a case, a column a component, the anomaly map last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from uad_bench.figures.slice_drawing import MOST_OF_MANY, OUTLINE, contour, show, sides, write_png
from uad_bench.figures.slices import Panel, cut, inside, robust_range, slice_of
from uad_bench.leaderboard.render.escape import printable
from uad_bench.types import Component, FloatArray

Window = tuple[float, float]
MAP, SHIFTS, ARROWS = "anomaly map", "plasma", 14  # arrows along the longer side of a slice


@dataclass(frozen=True, eq=False)
class Opened:
    """A case and what its map, as the method gave it, is made of; components on the panel's grid, by name."""

    panel: Panel
    parts: Mapping[str, Component]


@dataclass(frozen=True)
class Column:
    """One column: its kind, its colours, and the values of black and white (or of the colour bar's ends)."""

    name: str
    kind: str
    unit: str
    colours: str
    window: Window


def draw_inside(path: Path, cases: Sequence[Opened], title: str) -> None:
    """Write the PNG; equal arguments give equal bytes.

    Each column has one scale for all cases (1 to 99.5 percentile inside the brains); shifts are arrows on the
    image, from a voxel to its other place, coloured by their length.
    """
    write_png(path, lambda: sheet(cases, title), MOST_OF_MANY)


def sheet(cases: Sequence[Opened], title: str) -> Figure:
    """The figure: image, image with the lesion's outline, components, map; a colour bar below each."""
    columns = columns_of(cases)
    figure = Figure(figsize=(1.9 * (2 + len(columns)), 1.2 + 1.9 * max(len(cases), 1)), layout="constrained")
    figure.suptitle(printable(title), fontsize=11)
    places = figure.subplots(len(cases), 2 + len(columns), squeeze=False)
    for case, row in zip(cases, places, strict=True):
        _draw_case(list(row), case, columns)
    for place, name in zip(places[0], ["image", "lesion", *(c.name for c in columns)], strict=True):
        place.set_title(printable(name), fontsize=9)
    for index, column in enumerate(columns, start=2):
        shades = ScalarMappable(Normalize(*column.window), column.colours)
        bar = figure.colorbar(shades, ax=places[:, index], location="bottom", shrink=0.9, aspect=18, pad=0.02)
        bar.ax.tick_params(labelsize=7)
        bar.set_label(printable(column.unit or "arbitrary units"), fontsize=7)
    return figure


def columns_of(cases: Sequence[Opened]) -> list[Column]:
    """A column for every component of any case, in the order of their first appearance, and the map."""
    images = robust_range([case.panel.image[case.panel.brain_mask] for case in cases])
    columns = [_column(name, part, cases, images) for name, part in all_parts(cases).items()]
    scores = robust_range([case.panel.map[case.panel.brain_mask] for case in cases])
    return [*columns, Column(MAP, "value", "", "inferno", scores)]


def all_parts(cases: Sequence[Opened]) -> dict[str, Component]:
    """A component of every name that any case has, in the order of first appearance."""
    found: dict[str, Component] = {}
    for case in cases:
        found |= {name: part for name, part in case.parts.items() if name not in found}
    return found


def _column(name: str, part: Component, cases: Sequence[Opened], images: Window) -> Column:
    if part.kind == "intensity":
        return Column(name, part.kind, part.unit or "as the image", "gray", images)
    inside_brains = [size(case.parts[name])[case.panel.brain_mask] for case in cases if name in case.parts]
    low, high = robust_range(inside_brains)
    if part.kind == "shift":
        return Column(name, part.kind, part.unit or "voxels", SHIFTS, (0.0, max(high, 1e-6)))
    return Column(name, part.kind, part.unit, "viridis", (low, high))


def size(part: Component) -> FloatArray:
    """A component as one number a voxel, (X, Y, Z): a shift's length, else the values as they are."""
    if part.kind == "shift":
        return np.asarray(np.hypot(*part.values), np.float32)
    return part.values


def _draw_case(places: Sequence[Axes], case: Opened, columns: Sequence[Column]) -> None:
    view = slice_of(case.panel)
    for place in places:
        place.set(xticks=[], yticks=[])
        place.spines[:].set_visible(False)
    for place in places[:2]:
        show(place, view.image, "gray", view.window, view.aspect)
    sides(places[0])
    label = f"{printable(case.panel.case_id)[:24]}\n{printable(case.panel.label)[:16]}, z = {view.z}"
    places[0].set_ylabel(label, fontsize=8)
    contour(places[1], view.lesion, OUTLINE, 1.2)
    for place, column in zip(places[2:], columns, strict=True):
        _draw_part(place, case, column, view.aspect)


def _draw_part(place: Axes, case: Opened, column: Column, aspect: float) -> None:
    if column.name == MAP:
        show(place, inside(case.panel, case.panel.map), column.colours, column.window, aspect)
    elif column.name not in case.parts:
        place.text(0.5, 0.5, "none", fontsize=8, color="0.5", ha="center", transform=place.transAxes)
    elif column.kind == "shift":
        _draw_shift(place, case, column, aspect)
    else:
        values = inside(case.panel, case.parts[column.name].values)
        show(place, values, column.colours, column.window, aspect)


def _draw_shift(place: Axes, case: Opened, column: Column, aspect: float) -> None:
    """Every few voxels of the brain an arrow, over the dimmed image; those that leave the picture are cut."""
    view, (x, y) = slice_of(case.panel), cut(case.panel, case.parts[column.name].values)
    show(place, 0.5 * view.image, "gray", view.window, aspect)
    step = max(1, max(view.image.shape) // ARROWS)
    at = np.zeros(view.image.shape, bool)
    at[step // 2 :: step, step // 2 :: step] = True
    rows, columns = np.nonzero(at & cut(case.panel, case.panel.brain_mask))
    if rows.size:
        dx, dy = x[rows, columns], y[rows, columns]
        place.quiver(
            columns,
            rows,
            dx,
            dy,
            np.hypot(dx, dy),
            cmap=column.colours,
            norm=Normalize(*column.window),
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.008,
        )
    contour(place, view.lesion, OUTLINE, 0.8)
