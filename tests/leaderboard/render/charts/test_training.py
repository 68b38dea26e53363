"""Charts of training logs."""

import numpy as np

from uad_bench.leaderboard.render.charts.training import MOST_POINTS, training_charts
from uad_bench.results.training_log import LoggedSeries, TrainingLog


def series(values, every=1):
    return LoggedSeries(np.arange(len(values)) * float(every), np.asarray(values, float))


def run(seed, **more):
    known = {
        ("phase0", "loss"): series(np.linspace(100, 1, 500)),
        ("phase0", "validation"): series([50, 9, 3], 200),
    }
    return TrainingLog("ae", f"seed {seed}", known | {("phase0", key): value for key, value in more.items()})


def test_i17_a_chart_for_each_quantity_a_line_for_each_run_validation_dashed():
    loss, kl = training_charts([run(0, kl=series([1.0, 2.0])), run(1)])
    assert (loss.title, kl.title) == ("training, loss", "training, kl")
    assert [(line.text, line.kind) for line in loss.lines] == [
        ("seed 0", "s0"), ("seed 0, validation", "s0 dashed"), ("seed 1", "s1"), ("seed 1, validation", "s1 dashed")
    ]  # fmt: skip
    assert loss.legend == (("s0", "seed 0"), ("s1", "seed 1"), ("dashed", "validation"))
    assert (loss.y_label, kl.y_label, kl.legend) == ("loss", "kl", (("s0", "seed 0"),))
    assert len(loss.lines[0].points.split()) == MOST_POINTS and "seed 1" in loss.summary


def test_i17_values_that_are_not_finite_are_left_out():
    bad = series([np.nan, np.inf, 3.0, 2.0])
    (chart,) = training_charts([TrainingLog("ae", "seed 0", {("p", "loss"): bad})])
    assert len(chart.lines[0].points.split()) >= 2 and "nan" not in chart.lines[0].points
    assert training_charts([TrainingLog("ae", "seed 0", {("p", "loss"): series([np.nan])})]) == ()
    assert training_charts([]) == ()


def test_i17_runs_of_one_colour_share_an_entry_of_the_legend():
    (chart,) = training_charts(
        [TrainingLog("ae", f"seed {n}", {("p", "loss"): series([2, 1])}) for n in range(6)]
    )
    assert chart.legend[0] == ("s0", "seed 0, seed 5") and len(chart.legend) == 5
