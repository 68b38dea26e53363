"""Writing of figures to PNG and SVG files. Equal figures give equal bytes, whatever the date or the matplotlibrc."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context, rcdefaults
from matplotlib.figure import Figure

from uad_bench.support.atomic_files import write_bytes

#: The same ids in every SVG, no text that is interpreted as a formula, and titles at the upper edge of their plots:
#: the search for a free place measures every tick again for each title.
RC_PARAMS: Any = {
    "svg.hashsalt": "uad-bench",
    "svg.fonttype": "path",
    "text.usetex": False,
    "text.parse_math": False,
    "axes.formatter.use_locale": False,
    "axes.titley": 1.0,
}
#: Size limits of a PNG, and of one with a column for each of many maps; resolutions that are tried in turn.
MAX_BYTES, MAX_BYTES_OF_GRID = 400_000, 1_200_000
DPIS = (110, 90, 75, 60)
#: Resolution of the figures of a leaderboard.
PLOT_DPI = 130


@contextmanager
def fixed_style() -> Iterator[None]:
    """Matplotlib's defaults and `RC_PARAMS` instead of the user's settings."""
    with rc_context():
        rcdefaults()
        with rc_context(RC_PARAMS):
            yield


def figure_bytes(figure: Figure, form: str, dpi: int) -> bytes:
    """The bytes of a file in the format "png" or "svg", without date and version of the drawing library."""
    data = io.BytesIO()
    metadata: Mapping[str, Any] = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
    figure.savefig(data, format=form, dpi=dpi, metadata=metadata)
    return data.getvalue()


def write_png(
    path: Path, make: Callable[[], Figure], *, max_bytes: int = 0, dpis: Sequence[int] = DPIS
) -> None:
    """Draw a figure and write it as PNG.

    make: draws the figure, within `fixed_style`; max_bytes: size limit (0: `MAX_BYTES`), for which lower resolutions
    of `dpis` are tried in turn, since noisy images compress badly; the last one is used in any case. Raises
    EnvironmentFault where the file cannot be written.
    """
    with fixed_style():
        figure = make()
        for dpi in dpis:
            data = figure_bytes(figure, "png", dpi)
            if len(data) <= (max_bytes or MAX_BYTES):
                break
    write_bytes(path, data)


def write_png_and_svg(stem: Path, make: Callable[[], Figure | None]) -> list[Path]:
    """Draw a figure and write it as `stem`.png and `stem`.svg; returns the files, none where `make` returns None."""
    with fixed_style():
        figure = make()
        if figure is None:
            return []
        paths = [stem.with_name(f"{stem.name}.{form}") for form in ("png", "svg")]
        for path in paths:
            write_bytes(path, figure_bytes(figure, path.suffix[1:], PLOT_DPI))
        return paths
