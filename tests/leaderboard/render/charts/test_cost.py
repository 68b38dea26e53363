"""Charts of accuracy against cost."""

from dataclasses import replace

from tests.helpers import handmade
from uad_bench.leaderboard.render.charts.cost import cost_charts
from uad_bench.leaderboard.run_summary import Cost


def table():
    costs = Cost(score_s=4.0, device="cpu"), Cost(score_s=0.0, device="cpu"), Cost(score_s=3.0, device="cpu")
    rows = [replace(handmade.row(f"m{i}", 0.5 - i / 10, i + 1), cost=cost) for i, cost in enumerate(costs)]
    control = replace(handmade.row("control", 0.9, None), null=True, cost=Cost(score_s=1.0, device="cpu"))
    return handmade.table([control, *rows])


def test_i17_the_pareto_set_is_marked_and_listed():
    (chart,) = cost_charts(table())
    kinds = {mark.text.partition(":")[0]: (mark.kind, mark.label) for mark in chart.marks}
    assert kinds == {
        "m0": ("pareto", "1"),
        "m1": ("pareto", "2"),
        "m2": ("other", "3"),
        "control": ("control", "c"),
    }
    assert "measured on cpu" in chart.summary and "m1: 0, 0.400; m0: 4, 0.500." in chart.summary
    assert [line.kind for line in chart.lines] == ["front"]


def test_i17_a_cost_of_zero_is_at_the_left_with_the_tick_0():
    (chart,) = cost_charts(table())
    place = {mark.text.partition(":")[0]: mark.x for mark in chart.marks}
    assert chart.x_ticks[0] == (place["m1"], "0") and place["m1"] == min(place.values())


def test_i17_a_table_without_costs_has_no_chart():
    rows = [replace(handmade.row("m", 0.5, 1), cost=Cost())]
    assert cost_charts(handmade.table(rows)) == ()
    assert cost_charts(handmade.table([handmade.row("m", 0.5, 1)], values_only=True)) == ()
