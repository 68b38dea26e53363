"""Methods side by side: a row a case, a column a method, each map on its own scale."""

import numpy as np
import pytest

from uad_bench.figures.method_grid import Shown, beside, draw_beside
from uad_bench.figures.slices import Panel, robust_range

SHAPE = (20, 24, 6)


def panel(case, scale, lesion=True):
    rng = np.random.default_rng(len(case))
    brain, mask = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    brain[2:18, 2:22] = True
    mask[4:8, 4:9, 3] = lesion
    image = rng.random(SHAPE).astype(np.float32)
    return Panel(case, "ms" if lesion else "healthy", image, scale * image, brain, mask, (1.0, 2.0, 1.0))


@pytest.fixture
def methods():
    def shown(label, scale, mean):
        some = [panel("a", scale), panel("hh", scale, lesion=False)]
        return Shown(label, "seed 0", some, [0.25, None], mean)

    return [shown("one", 1, 0.5), shown("two $x$", 100, None)]


def test_a_column_for_the_truth_and_one_for_each_method(methods):
    figure = beside(methods, "AP", "t")
    places = np.reshape(figure.axes, (2, 3))
    assert [axes.get_title() for axes in places[0]] == [
        "lesion", "one\nseed 0\nmean AP 0.500\n\nAP 0.250", "two $x$\nseed 0\n\nAP 0.250",
    ]  # fmt: skip
    assert [axes.get_title() for axes in places[1]] == ["no lesion", "", ""]
    assert [axes.get_ylabel() for axes in places[:, 0]] == ["a\nms, z = 3", "hh\nhealthy, z = 0"]


def test_each_map_has_the_range_of_its_own_scores_in_the_brain(methods):
    places = np.reshape(beside(methods, "AP", "t").axes, (2, 3))
    for row in (0, 1):
        for column, method in enumerate(methods, 1):
            own = method.panels[row]
            window = robust_range([own.map[own.brain_mask]])
            assert places[row, column].get_images()[0].get_clim() == window
    assert not places[0, 1].collections  # no outline over a map


def test_equal_methods_give_equal_bytes(methods, tmp_path):
    for name in ("a.png", "b.png"):
        draw_beside(tmp_path / name, methods, "AP", "t")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
