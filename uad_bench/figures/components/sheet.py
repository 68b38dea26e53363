"""Sheet of the components of a method: one row per case, one column per component, the anomaly map last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from uad_bench.figures.figure_files import MAX_BYTES_OF_GRID, write_png
from uad_bench.figures.slice_drawing import LESION_COLOUR, draw_outline, label_sides, show_slice
from uad_bench.figures.slices import CaseImages, axial_slice, brain_slice, crop_slice, robust_range
from uad_bench.figures.style import folded
from uad_bench.leaderboard.render.escape import printable
from uad_bench.types import Component, FloatArray

Window = tuple[float, float]
MAP, SHIFT_COLOURS, ARROWS = "anomaly map", "plasma", 14  # arrows along the longer side of a slice


@dataclass(frozen=True, eq=False)
class CaseComponents:
    """A case with its anomaly map before post-processing, and the components of that map by name, on the same grid."""

    case: CaseImages
    components: Mapping[str, Component]


@dataclass(frozen=True)
class SheetColumn:
    """A column of the sheet. kind: see `Component`; window: values at the ends of the colour map."""

    name: str
    kind: str
    unit: str
    colour_map: str
    window: Window


def draw_component_sheet(path: Path, cases: Sequence[CaseComponents], title: str) -> None:
    """Write the PNG; equal arguments give equal bytes.

    Each column has one scale for all cases (1st to 99.5th percentile inside the brains). Displacements are arrows on
    the image, from a voxel to its displaced position, coloured by their length.
    """
    write_png(path, lambda: component_sheet(cases, title), max_bytes=MAX_BYTES_OF_GRID)


def component_sheet(cases: Sequence[CaseComponents], title: str) -> Figure:
    """The figure: image, image with lesion outline, components, anomaly map; a colour bar below each column."""
    columns = sheet_columns(cases)
    figure = Figure(figsize=(1.9 * (2 + len(columns)), 1.2 + 1.9 * max(len(cases), 1)), layout="constrained")
    figure.suptitle(printable(title), fontsize=11)
    grid = figure.subplots(len(cases), 2 + len(columns), squeeze=False)
    for case, row in zip(cases, grid, strict=True):
        _draw_case(list(row), case, columns)
    for axes, name in zip(grid[0], ["image", "lesion", *(c.name for c in columns)], strict=True):
        axes.set_title(printable(name), fontsize=9)
    for index, column in enumerate(columns, start=2):
        colours = ScalarMappable(Normalize(*column.window), column.colour_map)
        bar = figure.colorbar(colours, ax=grid[:, index], location="bottom", shrink=0.9, aspect=18, pad=0.02)
        bar.ax.tick_params(labelsize=7)
        bar.set_label(printable(column.unit or "arbitrary units"), fontsize=7)
    return figure


def sheet_columns(cases: Sequence[CaseComponents]) -> list[SheetColumn]:
    """A column for every component of any case, in the order of first appearance, and the anomaly map."""
    images = robust_range([one.case.image[one.case.brain_mask] for one in cases])
    columns = [_column(name, component, cases, images) for name, component in all_components(cases).items()]
    scores = robust_range([one.case.map[one.case.brain_mask] for one in cases])
    return [*columns, SheetColumn(MAP, "value", "", "inferno", scores)]


def all_components(cases: Sequence[CaseComponents]) -> dict[str, Component]:
    """The first component of every name, in the order of first appearance."""
    found: dict[str, Component] = {}
    for one in cases:
        found |= {name: component for name, component in one.components.items() if name not in found}
    return found


def _column(name: str, component: Component, cases: Sequence[CaseComponents], images: Window) -> SheetColumn:
    if component.kind == "intensity":
        return SheetColumn(name, component.kind, component.unit or "as the image", "gray", images)
    inside_brains = [
        magnitude(one.components[name])[one.case.brain_mask] for one in cases if name in one.components
    ]
    low, high = robust_range(inside_brains)
    if component.kind == "shift":
        window = (0.0, max(high, 1e-6))
        return SheetColumn(name, component.kind, component.unit or "voxels", SHIFT_COLOURS, window)
    return SheetColumn(name, component.kind, component.unit, "viridis", (low, high))


def magnitude(component: Component) -> FloatArray:
    """One value per voxel, (X, Y, Z): the length of a displacement, otherwise the values themselves."""
    if component.kind == "shift":
        return np.asarray(np.hypot(*component.values), np.float32)
    return component.values


def _draw_case(row: Sequence[Axes], one: CaseComponents, columns: Sequence[SheetColumn]) -> None:
    view = axial_slice(one.case)
    for axes in row:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes in row[:2]:
        show_slice(axes, view.image, "gray", view.window, view.aspect)
    label_sides(row[0])
    label = f"{folded(one.case.case_id, 24)}\n{folded(f'{one.case.label}, z = {view.z}', 24)}"
    row[0].set_ylabel(label, fontsize=8)
    draw_outline(row[1], view.lesion, LESION_COLOUR, 1.2)
    for axes, column in zip(row[2:], columns, strict=True):
        _draw_component(axes, one, column, view.aspect)


def _draw_component(axes: Axes, one: CaseComponents, column: SheetColumn, aspect: float) -> None:
    if column.name == MAP:
        show_slice(axes, brain_slice(one.case, one.case.map), column.colour_map, column.window, aspect)
    elif column.name not in one.components:
        axes.text(0.5, 0.5, "none", fontsize=8, color="0.5", ha="center", transform=axes.transAxes)
    elif column.kind == "shift":
        _draw_arrows(axes, one, column, aspect)
    else:
        values = brain_slice(one.case, one.components[column.name].values)
        show_slice(axes, values, column.colour_map, column.window, aspect)


def _draw_arrows(axes: Axes, one: CaseComponents, column: SheetColumn, aspect: float) -> None:
    """An arrow at every few brain voxels, over the darkened image; arrows that leave the slice are clipped."""
    view, (x, y) = axial_slice(one.case), crop_slice(one.case, one.components[column.name].values)
    show_slice(axes, 0.5 * view.image, "gray", view.window, aspect)
    step = max(1, max(view.image.shape) // ARROWS)
    at = np.zeros(view.image.shape, bool)
    at[step // 2 :: step, step // 2 :: step] = True
    rows, columns = np.nonzero(at & crop_slice(one.case, one.case.brain_mask))
    if rows.size:
        dx, dy = x[rows, columns], y[rows, columns]
        axes.quiver(
            columns,
            rows,
            dx,
            dy,
            np.hypot(dx, dy),
            cmap=column.colour_map,
            norm=Normalize(*column.window),
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.008,
        )
    draw_outline(axes, view.lesion, LESION_COLOUR, 0.8)
