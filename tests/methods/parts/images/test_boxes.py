"""Grids of boxes and random boxes."""

import numpy as np
import pytest

from uad_methods.parts.images.boxes import box_masks, box_sides, grid_boxes, random_boxes


def test_four_boxes_of_48_cover_96_in_the_published_order():
    sides = box_sides((96, 96), 0.5)
    assert sides == box_sides((96, 96), 48) == (48, 48)
    assert grid_boxes((96, 96), sides).tolist() == [
        [0, 0, 48, 48],
        [0, 48, 48, 96],
        [48, 0, 96, 48],
        [48, 48, 96, 96],
    ]


@pytest.mark.parametrize(
    ("shape", "patch"), [((96, 96), 48), ((80, 96), 0.5), ((33, 21), 10), ((7, 5), 0.3), ((4, 4), 9)]
)
def test_the_boxes_of_a_grid_cover_every_pixel_once(shape, patch):
    covered = box_masks(grid_boxes(shape, box_sides(shape, patch)), shape, "cpu")
    assert (covered.sum(dim=0) == 1).all() and covered.flatten(1).any(dim=1).all()


def test_random_boxes_are_whole_and_reach_every_corner():
    boxes = random_boxes(500, (6, 5), (3, 2), np.random.default_rng(0))
    covered = box_masks(boxes, (6, 5), "cpu")
    assert (covered.sum(dim=(1, 2, 3)) == 6).all()
    assert covered.sum(dim=0)[0][[0, 0, -1, -1], [0, -1, 0, -1]].min() > 10
