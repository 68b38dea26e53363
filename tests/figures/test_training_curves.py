"""Training curves: plots, lines, running means, values that are not finite."""

import numpy as np
import pytest

from uad_bench.figures.training_curves import (
    LoggedSeries,
    TrainingLog,
    draw_training_curves,
    plotted_quantities,
    smoothed,
    training_curves,
)


def series(values, every=1):
    values = np.asarray(values, float)
    return LoggedSeries(np.arange(len(values)) * float(every), values)


def run(seed, method="ae", **more):
    log = {("phase0", "loss"): series(np.linspace(100, 1, 200)),
           ("phase0", "validation"): series([50, 20, 3, 4], 50)}  # fmt: skip
    return TrainingLog(method, f"seed {seed}", log | {("phase0", k): v for k, v in more.items()})


def drawn(figure):
    return [axes for axes in figure.axes if axes.axison]


def test_a_row_for_each_phase_of_each_method_and_a_column_for_each_figure():
    gan = TrainingLog("gan", "seed 0", {("gan", "generator"): series([1, 2]), ("gan", "loss"): series([2, 1]),
                                     ("encoder", "loss"): series([1, 1])})  # fmt: skip
    found = drawn(training_curves([run(0), run(1), gan], "t"))
    titles = [(axes.get_title(loc="left"), axes.get_ylabel()) for axes in found]
    assert titles == [
        ("ae, phase0", "loss"),
        ("gan, gan", "loss"),
        ("gan, gan", "generator"),
        ("gan, encoder", "loss"),
    ]


def test_validation_is_in_the_plot_of_the_loss_with_a_ring_at_its_minimum():
    (plot,) = drawn(training_curves([run(0)], "t"))
    rings = [line for line in plot.lines if line.get_markerfacecolor() == "none"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in rings] == [(100.0, 3.0)]
    assert [text.get_text() for text in plot.get_legend().get_texts()] == ["seed 0", "validation"]
    assert plot.get_yscale() == "log"


def test_validation_without_a_loss_has_its_own_plot():
    one = TrainingLog("m", "seed 0", {("p", "validation"): series([1, 2])})
    assert plotted_quantities([one], "m", "p") == ["validation"]


def test_runs_of_one_method_share_a_plot_in_different_colours():
    (plot,) = drawn(training_curves([run(0), run(1)], "t"))
    labels = [text.get_text() for text in plot.get_legend().get_texts()]
    assert labels == ["seed 0", "seed 1", "validation"]
    assert len({line.get_color() for line in plot.lines}) == 2


def test_the_running_mean_is_over_the_neighbours_without_values_that_are_not_finite():
    values = np.arange(200.0)
    values[100] = np.nan
    found = smoothed(values)  # a fiftieth: two steps to either side
    assert found[50] == 50 and found[0] == 1.0
    assert found[100] == np.mean([98, 99, 101, 102])
    assert np.isnan(smoothed(np.array([np.nan])))[0]
    spike = np.full(400, 0.01)
    spike[7] = 1e17
    assert smoothed(spike)[-1] == pytest.approx(0.01)


@pytest.mark.parametrize("values", [[np.nan], [np.nan, np.inf], [0, -1], [5]])
def test_unusual_values_are_drawn_as_they_are_and_equal_when_drawn_again(values, tmp_path):
    log = run(0, **{"$x$": series(values), "validation": series(values)})
    for name in ("a.png", "b.png"):
        draw_training_curves(tmp_path / name, [log], "t")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    drawn_values = drawn(training_curves([log], "t"))[1].lines[0].get_ydata()
    np.testing.assert_array_equal(drawn_values, np.asarray(values, float))


@pytest.mark.parametrize(
    ("values", "scale"), [([100, 30, 20], "log"), ([4, 2, 1], "linear"), ([9, 0, 1], "linear")]
)
def test_the_axis_is_logarithmic_for_positive_values_that_differ_by_a_factor_of_five(values, scale):
    log = TrainingLog("m", "seed 0", {("p", "x"): series(values)})
    assert drawn(training_curves([log], "t"))[0].get_yscale() == scale
