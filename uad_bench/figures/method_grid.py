"""Methods beside each other on the same cases: a row a case, a column a method, each map on a scale of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uad_bench.figures.slice_drawing import MOST_OF_MANY, OUTLINE, contour, show, sides, write_png
from uad_bench.figures.slices import Panel, inside, robust_range, slice_of
from uad_bench.figures.style import short
from uad_bench.leaderboard.render.escape import printable


@dataclass(frozen=True, eq=False)
class Shown:
    """One method on all cases. panels: the case with this method's map; values: its metric, None where undefined.

    mean: over all test cases, not only those shown; detail: what stands below the name ("seed 0").
    """

    label: str
    detail: str
    panels: Sequence[Panel]
    values: Sequence[float | None]
    mean: float | None


def draw_beside(path: Path, methods: Sequence[Shown], metric: str, title: str) -> None:
    """Write the PNG; equal arguments give equal bytes.

    Colours of each map span the 1 to 99.5 percentile of its own scores in the brain: what a metric of ranks such
    as average precision sees of it.
    """
    write_png(path, lambda: beside(methods, metric, title), MOST_OF_MANY)


def beside(methods: Sequence[Shown], metric: str, title: str) -> Figure:
    """The figure. All methods have the same cases, in the same order."""
    rows = len(methods[0].panels) if methods else 0
    figure = Figure(figsize=(1.75 * (1 + len(methods)), 1.1 + 2.05 * max(rows, 1)), layout="constrained")
    figure.suptitle(printable(title), fontsize=11)
    places = figure.subplots(max(rows, 1), 1 + len(methods), squeeze=False)
    for place in places.flat:
        place.set(xticks=[], yticks=[])
        place.spines[:].set_visible(False)
    for row in range(rows):
        _draw_truth(places[row, 0], methods[0].panels[row])
        for place, method in zip(places[row, 1:], methods, strict=True):
            _draw_map(place, method.panels[row], metric, method.values[row])
    for place, method in zip(places[0, 1:] if rows else (), methods, strict=True):
        place.set_title(f"{_head(method, metric)}\n{place.get_title()}", fontsize=8)
    return figure


def _head(method: Shown, metric: str) -> str:
    mean = "" if method.mean is None else f"\nmean {metric} {method.mean:.3f}"
    return printable(short(method.label, 22)) + f"\n{printable(method.detail)}{mean}\n"


def _draw_truth(place: Axes, panel: Panel) -> None:
    view = slice_of(panel)
    show(place, view.image, "gray", view.window, view.aspect)
    contour(place, view.lesion, OUTLINE, 1.2)
    sides(place)
    place.set_ylabel(
        f"{printable(panel.case_id)[:24]}\n{printable(panel.label)[:16]}, z = {view.z}", fontsize=8
    )
    place.set_title("lesion" if view.lesion.any() else "no lesion", fontsize=8, color=OUTLINE)


def _draw_map(place: Axes, panel: Panel, metric: str, value: float | None) -> None:
    window = robust_range([panel.map[panel.brain_mask]])
    show(place, inside(panel, panel.map), "inferno", window, panel.spacing[1] / panel.spacing[0])
    place.set_title("" if value is None else f"{metric} {value:.3f}", fontsize=8)
