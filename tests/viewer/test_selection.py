"""The cases of the viewer: spread from the worst to the best of the leading method."""

from tests.helpers import handmade
from uad_bench.viewer.selection import ViewedRun, leading, spread_cases

VALUES = {f"c{n}": n / 10 for n in range(7)} | {"undefined": None}


def test_i17_three_cases_are_the_worst_the_median_and_the_best():
    row = handmade.row("ae", 0.3, values=VALUES)
    assert spread_cases(row, 3) == [("c0", "worst"), ("c3", "median"), ("c6", "best")]
    assert spread_cases(row, 1) == [("c3", "median")]
    assert [case for case, _ in spread_cases(row, 99)] == [f"c{n}" for n in range(7)]
    assert spread_cases(row, 2) == [("c0", "worst"), ("c6", "best")]
    assert spread_cases(handmade.row("ae", 0.3, values={"c": None}), 3) == []


def test_i17_a_control_leads_only_where_there_is_nothing_else():
    runs = [ViewedRun(row, None, None) for row in (handmade.control("atlas-z", 0.9), handmade.row("ae", 0.3))]
    assert leading(runs, "ap.case").row.label == "ae"
    assert leading(runs[:1], "ap.case").row.label == "atlas-z"
