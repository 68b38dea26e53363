"""Accuracy against computational cost: which methods are in the Pareto set, where costs of 0 are drawn."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import handmade
from uad_bench.figures.tables.cost import cost_plot
from uad_bench.leaderboard.layout.cost_points import pareto_set
from uad_bench.leaderboard.run_summary import Cost


def test_the_pareto_set_agrees_with_its_definition():
    points = [tuple(pair) for pair in np.random.default_rng(0).integers(0, 6, (40, 2)).tolist()]
    expected = [
        not any(c <= cost and a >= accuracy and (c, a) != (cost, accuracy) for c, a in points)
        for cost, accuracy in points
    ]
    assert pareto_set(points) == expected and 0 < sum(expected) < len(points)


def costly(*costs):
    """A table whose rows have these costs, best row first, and a control that is best and free."""
    rows = [replace(handmade.row(f"m{i}", 0.5 - i / 10, i + 1), cost=cost) for i, cost in enumerate(costs)]
    control = replace(handmade.row("control", 0.9, None), null=True, cost=Cost(score_s=0.0, fit_s=0.0))
    return handmade.table([control, *rows])


def test_rings_mark_the_pareto_set_without_controls():
    table = costly(Cost(score_s=4.0), Cost(score_s=2.0), Cost(score_s=3.0))
    (axes,) = cost_plot(table).axes
    (ring,) = [line for line in axes.lines if line.get_markersize() == 12]
    assert ring.get_xydata() == pytest.approx(np.array([[2.0, 0.4], [4.0, 0.5]]))
    assert axes.get_xlabel() == "scoring, s per volume" and axes.get_ylabel() == "AP per case"


def test_a_cost_of_zero_is_drawn_at_the_tick_0():
    (axes,) = cost_plot(costly(Cost(fit_s=90.0), Cost(fit_s=0.0))).axes
    ticks = dict(zip([text.get_text() for text in axes.get_xticklabels()], axes.get_xticks(), strict=True))
    places = {line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1}
    assert ticks["0"] in places and ticks["0"] < 90 and "50" in ticks and "100" in ticks


def test_a_table_without_costs_has_no_figure():
    assert cost_plot(costly(Cost(), Cost())) is None


def test_rows_that_are_not_ranked_are_not_in_the_pareto_set():
    table = costly(Cost(score_s=4.0), Cost(score_s=2.0), Cost(score_s=3.0))
    control, first, second, third = table.rows
    rows = [control, replace(first, marks=("leak of a case",)), replace(second, started=6), third]
    (axes,) = cost_plot(replace(table, rows=rows)).axes
    (ring,) = [line for line in axes.lines if line.get_markersize() == 12]
    assert ring.get_xydata().tolist() == [[3.0, pytest.approx(0.3)]]


def test_times_of_several_devices_are_not_drawn():
    table = costly(
        Cost(score_s=4.0, parameters=5, device="cpu"), Cost(score_s=2.0, parameters=9, device="H100")
    )
    (axes,) = cost_plot(table).axes
    assert axes.get_xlabel() == "parameters of the network"
