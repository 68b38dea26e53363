"""Drawing of one slice: image or map, outlines of masks, sides of the body."""

from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from uad_bench.types import BoolArray, FloatArray

# Colours of Okabe and Ito, which are distinguishable with colour vision deficiency.
LESION_COLOUR, THRESHOLD_COLOUR = "#d55e00", "#56b4e9"


def hide_axis(axes: Axes) -> None:
    """Draw no axis: no ticks either, which a layout would measure though they are not seen."""
    axes.set(xticks=[], yticks=[])
    axes.set_axis_off()


def show_slice(
    axes: Axes, values: FloatArray, colour_map: str, window: tuple[float, float], aspect: float
) -> AxesImage:
    """Draw a slice (y, x); window: values at the ends of the colour map; aspect: height of a pixel over its width."""
    # Without interpolation, a voxel remains visible as such and the file small.
    return axes.imshow(
        values,
        cmap=colour_map,
        vmin=window[0],
        vmax=window[1],
        origin="lower",
        aspect=aspect,
        interpolation="nearest",
    )


def draw_outline(axes: Axes, mask: BoolArray, colour: str, width: float) -> None:
    """Draw the outline of a mask (y, x), if it has one."""
    if mask.any() and not mask.all():
        axes.contour(mask, levels=[0.5], colors=[colour], linewidths=[width])


def label_sides(axes: Axes) -> None:
    """Write L and R, the sides of the subject."""
    for x, side in ((0.02, "L"), (0.98, "R")):
        align = "left" if side == "L" else "right"
        axes.text(x, 0.5, side, color="w", fontsize=8, ha=align, va="center", transform=axes.transAxes)
