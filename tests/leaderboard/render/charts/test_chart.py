"""Axes of charts: positions and ticks."""

import itertools

import pytest

from uad_bench.leaderboard.render.charts.chart import (
    Mark,
    linear_ticks,
    round_ticks,
    short,
    with_free_labels,
    x_scale,
    y_scale,
)


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


def test_i17_the_letters_of_near_points_do_not_overlap():
    marks = [
        Mark(100, 100, "a", "12", "other"),
        Mark(102, 101, "b", "13", "other"),
        Mark(99, 98, "c", "c", "control"),
    ]
    placed = with_free_labels(marks)
    places = [(mark.x + mark.label_x, mark.y + mark.label_y) for mark in placed]
    apart = [abs(x - u) >= 6 or abs(y - v) >= 9 for (x, y), (u, v) in itertools.combinations(places, 2)]
    assert all(apart) and [(mark.x, mark.y) for mark in placed] == [(mark.x, mark.y) for mark in marks]


def test_i17_letters_with_space_stay_at_the_right_above():
    (mark,) = with_free_labels([Mark(100, 100, "a", "1", "other")])
    assert (mark.label_x, mark.label_y) == (6, -4)
