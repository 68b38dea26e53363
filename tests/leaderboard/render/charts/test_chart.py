"""Axes of charts: positions and ticks."""

import pytest

from uad_bench.leaderboard.render.charts.chart import linear_ticks, round_ticks, short, x_scale, y_scale


def test_a_logarithmic_axis_spaces_factors_equally():
    scale = x_scale([1.0, 100.0], log=True)
    assert scale.at(10) - scale.at(1) == pytest.approx(scale.at(100) - scale.at(10), abs=0.2)
    assert scale.begin < scale.at(1) < scale.at(100) < scale.end


def test_a_short_logarithmic_axis_has_ticks_too():
    assert len(x_scale([937.0, 1138.0], log=True).ticks()) > 2


@pytest.mark.parametrize("values", [[0.1, 0.4], [0.2], [0.0, 0.0], [-3.0, 5.0]])
def test_values_and_ticks_lie_inside_the_axis_larger_ones_higher(values):
    scale = y_scale(values)
    assert scale.end <= scale.at(max(values)) <= scale.at(min(values)) <= scale.begin
    assert 1 <= len(scale.ticks()) <= 9
    assert all(scale.end <= scale.at(tick) <= scale.begin for tick in scale.ticks())


@pytest.mark.parametrize(("low", "high"), [(0.02, 0.23), (0, 1), (1e-5, 3e-4), (-1, 499), (0.4999, 0.5001)])
def test_linear_ticks_are_round_and_few(low, high):
    ticks = linear_ticks(low, high)
    assert 2 <= len(ticks) <= 9 and all(low <= tick <= high for tick in ticks)
    assert all(len(f"{tick:g}") <= 7 for tick in ticks)


def test_ticks_of_many_decades_are_powers_of_ten():
    assert round_ticks(1, 1e6) == [10.0**k for k in range(7)]
    assert [short(20_000), short(5e6), short(0.5)] == ["20k", "5M", "0.5"]
