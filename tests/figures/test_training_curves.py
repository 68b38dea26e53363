"""Training curves: which panels there are, what a line is, and what is not finite."""

import numpy as np
import pytest
from matplotlib.image import imread

from uad_bench.figures.training_curves import Series, Training, draw_training, panels, smoothed, training


def series(values, every=1):
    values = np.asarray(values, float)
    return Series(np.arange(len(values)) * float(every), values)


def run(seed, method="ae", **more):
    log = {("phase0", "loss"): series(np.linspace(100, 1, 200)),
           ("phase0", "validation"): series([50, 20, 3, 4], 50)}  # fmt: skip
    return Training(method, f"seed {seed}", log | {("phase0", k): v for k, v in more.items()})


def drawn(figure):
    return [axes for axes in figure.axes if axes.axison]


def test_a_row_for_each_phase_of_each_method_and_a_column_for_each_figure():
    gan = Training("gan", "seed 0", {("gan", "generator"): series([1, 2]), ("gan", "loss"): series([2, 1]),
                                     ("encoder", "loss"): series([1, 1])})  # fmt: skip
    found = drawn(training([run(0), run(1), gan], "t"))
    titles = [(axes.get_title(loc="left"), axes.get_ylabel()) for axes in found]
    assert titles == [
        ("ae, phase0", "loss"),
        ("gan, gan", "loss"),
        ("gan, gan", "generator"),
        ("gan, encoder", "loss"),
    ]


def test_validation_stands_with_the_loss_and_its_lowest_is_ringed():
    (panel,) = drawn(training([run(0)], "t"))
    rings = [line for line in panel.lines if line.get_markerfacecolor() == "none"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in rings] == [(100.0, 3.0)]
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["seed 0", "validation"]
    assert panel.get_yscale() == "log"


def test_validation_alone_has_its_own_panel():
    one = Training("m", "seed 0", {("p", "validation"): series([1, 2])})
    assert panels([one], "m", "p") == ["validation"]


def test_runs_of_one_method_are_over_each_other_in_colours_of_their_own():
    (panel,) = drawn(training([run(0), run(1)], "t"))
    labels = [text.get_text() for text in panel.get_legend().get_texts()]
    assert labels == ["seed 0", "seed 1", "validation"]
    assert len({line.get_color() for line in panel.lines}) == 2


def test_a_running_mean_is_that_of_the_neighbours_and_forgets_what_is_not_finite():
    values = np.arange(200.0)
    values[100] = np.nan
    found = smoothed(values)  # a fiftieth: two steps to either side
    assert found[50] == 50 and found[0] == 1.0
    assert found[100] == np.mean([98, 99, 101, 102])
    assert np.isnan(smoothed(np.array([np.nan])))[0]


@pytest.mark.parametrize("values", [[np.nan], [np.nan, np.inf], [0, -1], [5]])
def test_whatever_was_logged_is_a_picture_and_equal_when_drawn_again(values, tmp_path):
    odd = run(0, **{"$x$": series(values), "validation": series(values)})
    for name in ("a.png", "b.png"):
        draw_training(tmp_path / name, [odd], "t")
    assert imread(tmp_path / "a.png").ndim == 3
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
