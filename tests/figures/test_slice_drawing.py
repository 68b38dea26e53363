"""Drawing of a slice: pixels, outlines, sides."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from uad_bench.figures.slice_drawing import (
    LESION_COLOUR,
    draw_outline,
    hide_axis,
    label_sides,
    show_slice,
)


@pytest.fixture
def axes():
    return Figure().add_subplot()


def test_a_slice_is_drawn_voxel_by_voxel_with_y_upwards(axes):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    image = show_slice(axes, values, "gray", (2.0, 9.0), 1.5)
    assert np.array_equal(image.get_array(), values) and image.get_interpolation() == "nearest"
    assert image.get_clim() == (2.0, 9.0) and axes.get_aspect() == 1.5
    assert axes.get_ylim() == (-0.5, 2.5) and image.get_cmap().name == "gray"


def test_only_a_mask_with_an_outline_has_one(axes):
    for mask in (np.zeros((5, 5), bool), np.ones((5, 5), bool)):
        draw_outline(axes, mask, LESION_COLOUR, 1.0)
    assert not axes.collections
    draw_outline(axes, np.eye(5, dtype=bool), LESION_COLOUR, 1.0)
    assert [to_hex(found.get_edgecolor()[0]) for found in axes.collections] == [LESION_COLOUR]


def test_the_left_side_is_on_the_left(axes):
    label_sides(axes)
    assert [text.get_text() for text in sorted(axes.texts, key=lambda text: text.get_position()[0])] == [
        "L",
        "R",
    ]


def test_a_hidden_axis_has_no_ticks_to_measure(axes):
    show_slice(axes, np.zeros((4, 4), np.float32), "gray", (0, 1), 1)
    hide_axis(axes)
    assert not axes.axison and not axes.get_xticks().size and not axes.get_yticks().size
