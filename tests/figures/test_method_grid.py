"""Grid of methods and cases: one row per case, one column per method, each map on a scale of its own."""

import numpy as np
import pytest

from tests.helpers.case_images import case_images
from uad_bench.figures.method_grid import MethodMaps, draw_method_grid, method_grid
from uad_bench.figures.slices import robust_range


@pytest.fixture
def methods():
    def maps(label, scale, mean):
        spacing = (1.0, 2.0, 1.0)
        cases = [case_images("a", scale=scale, spacing=spacing),
                 case_images("hh", lesion=False, scale=scale, spacing=spacing)]  # fmt: skip
        return MethodMaps(label, "seed 0", cases, [0.25, None], mean)

    return [maps("one", 1, 0.5), maps("two $x$", 100, None)]


def test_the_first_column_is_the_image_and_each_method_has_one(methods):
    figure = method_grid(methods, "AP", "t")
    grid, bar = np.reshape(figure.axes[:6], (2, 3)), figure.axes[6]
    assert bar.get_xlabel() == "anomaly map, each on the scale of its own scores inside the brain"
    assert [axes.get_title() for axes in grid[0]] == [
        "lesion", "one\nseed 0\nmean AP 0.500\n\nAP 0.250", "two $x$\nseed 0\n\nAP 0.250",
    ]  # fmt: skip
    assert [axes.get_title() for axes in grid[1]] == ["no lesion", "", ""]
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["a\nms, z = 3", "hh\nhealthy, z = 0"]


def test_each_map_has_the_range_of_its_own_scores_in_the_brain(methods):
    grid = np.reshape(method_grid(methods, "AP", "t").axes[:6], (2, 3))
    for row in (0, 1):
        for column, method in enumerate(methods, 1):
            case = method.cases[row]
            window = robust_range([case.map[case.brain_mask]])
            assert grid[row, column].get_images()[0].get_clim() == window
            assert grid[row, column].get_aspect() == 2.0
    assert grid[0, 0].collections and not grid[0, 1].collections  # the outline is on the image only


def test_equal_methods_give_equal_bytes(methods, tmp_path):
    for name in ("a.png", "b.png"):
        draw_method_grid(tmp_path / name, methods, "AP", "t")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_methods_are_an_empty_grid():
    assert method_grid([], "AP", "none").get_suptitle() == "none"
