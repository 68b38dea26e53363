"""Dice over the threshold, with a mark for each rule."""

import numpy as np
import pytest

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.figures.dice_curve import TabulatedDice, dice_plot, dice_points, draw_dice


@pytest.fixture
def curve():
    rng = np.random.default_rng(0)
    lesion = rng.random(20_000) < 0.05
    return Curve.of((rng.normal(size=lesion.size) + 2 * lesion).astype(np.float32), lesion)


def test_dice_is_drawn_with_a_mark_at_each_finite_threshold(curve):
    best, at = curve.best_dice()
    (axes,) = dice_plot(curve, {"tune": 1.0, "oracle_set": at, "never": np.inf}).axes
    assert max(axes.lines[0].get_ydata()) == best
    marks = {line.get_label().split(" at ")[0]: line for line in axes.lines[1:]}
    assert set(marks) == {"tune", "oracle_set†"}
    assert marks["oracle_set†"].get_xydata()[0] == pytest.approx([at, best])
    assert marks["tune"].get_xydata()[0] == pytest.approx([1.0, curve.dice_at(1.0)])
    assert [marks[name].get_markerfacecolor() == "white" for name in ("tune", "oracle_set†")] == [False, True]


def test_i6_the_figure_has_the_values_of_the_table(curve):
    """Tables print the mean over cases, 0.031 where all voxels pooled give 0.051: both are shown and named."""
    tables = {"healthy_q98": TabulatedDice(0.051, 0.031), "tune": TabulatedDice(None, None)}
    (axes,) = dice_plot(curve, {"healthy_q98": 2.0, "tune": 1.0}, "", tables).axes
    mark, dash, other = axes.lines[1:]
    assert (mark.get_ydata()[0], dash.get_ydata()[0]) == (0.051, 0.031)
    assert mark.get_label() == "healthy_q98 at 2: pooled 0.051, mean over cases 0.031"
    assert other.get_label() == f"tune at 1: pooled {curve.dice_at(1.0):.3f}"
    assert axes.get_ylabel() == "Dice of all voxels pooled\n(dash: mean over cases)"


def test_the_points_are_few_and_exact(curve):
    at, values = dice_points(curve)
    assert at.size <= 760 and np.all(np.diff(at) > 0)
    assert values[::50] == pytest.approx([curve.dice_at(float(t)) for t in at[::50]])


def test_png_and_svg_are_written_and_none_without_a_detected_lesion_voxel(curve, tmp_path):
    draw_dice(tmp_path / "dice.png", Curve.of(np.zeros(3, np.float32), np.zeros(3, bool)), {})
    assert not list(tmp_path.iterdir())
    draw_dice(tmp_path / "dice.png", curve, {"tune": 1.0})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dice.png", "dice.svg"]
