"""What the pictures of slices share: how one is shown, outlined and written."""

import io
from collections.abc import Callable
from pathlib import Path

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from uad_bench.support.atomic_files import write_bytes
from uad_bench.types import BoolArray, FloatArray

# Okabe and Ito's colours, told apart by colour-blind readers; the outline is the vermilion among them.
OUTLINE, THRESHOLD = "#d55e00", "#56b4e9"
MOST_BYTES, MOST_OF_MANY = 400_000, 1_200_000  # many: pictures with a column for each of many maps
DPI = (110, 90, 75, 60)


def show(
    place: Axes, values: FloatArray, colours: str, window: tuple[float, float], aspect: float
) -> AxesImage:
    """A slice (y, x) between the two values of `window`."""
    # Nearest: a voxel stays a voxel, and the file stays small.
    return place.imshow(
        values,
        cmap=colours,
        vmin=window[0],
        vmax=window[1],
        origin="lower",
        aspect=aspect,
        interpolation="nearest",
    )


def contour(place: Axes, mask: BoolArray, colour: str, width: float) -> None:
    """The edge of a mask (y, x), where it has one."""
    if mask.any() and not mask.all():
        place.contour(mask, levels=[0.5], colors=[colour], linewidths=[width])


def sides(place: Axes) -> None:
    """L and R, the subject's."""
    for x, side in ((0.02, "L"), (0.98, "R")):
        align = "left" if side == "L" else "right"
        place.text(x, 0.5, side, color="w", fontsize=8, ha=align, va="center", transform=place.transAxes)


def write_png(path: Path, make: Callable[[], Figure], most_bytes: int = 0) -> None:
    """Draw and write a figure of so many bytes at most (default: `MOST_BYTES`), as far as fewer dots can do it.

    Equal figures give equal bytes, and no name is read as a formula.
    """
    # Not whatever a user's matplotlibrc says.
    with style.context(["default", {"text.parse_math": False, "axes.formatter.use_locale": False}]):
        write_bytes(path, _png(make(), most_bytes or MOST_BYTES))


def _png(figure: Figure, most_bytes: int) -> bytes:
    """Bytes without a date or a version in them; noise compresses badly and is drawn with fewer dots."""
    found = b""
    for dpi in DPI:
        data = io.BytesIO()
        figure.savefig(data, format="png", dpi=dpi, metadata={"Software": None})
        found = data.getvalue()
        if len(found) <= most_bytes:
            break
    return found
