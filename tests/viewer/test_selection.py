"""The cases of the viewer: spread from the worst to the best of the highest-ranked method."""

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.run_summary import LEAK
from uad_bench.viewer.selection import ViewedRun, leading, reason, spread_cases

VALUES = {f"c{n}": n / 10 for n in range(7)} | {"undefined": None}


def test_i17_three_cases_are_the_worst_the_median_and_the_best():
    row = handmade.row("ae", 0.3, values=VALUES)
    assert spread_cases(row, 3) == [("c0", "worst"), ("c3", "median"), ("c6", "best")]
    assert spread_cases(row, 1) == [("c3", "median")]
    assert [case for case, _ in spread_cases(row, 99)] == [f"c{n}" for n in range(7)]
    assert spread_cases(row, 2) == [("c0", "worst"), ("c6", "best")]
    assert spread_cases(handmade.row("ae", 0.3, values={"c": None}), 3) == []


@pytest.mark.parametrize(("n", "median"), [(6, "c3"), (7, "c3"), (10, "c5")])
def test_i17_the_case_in_the_middle_of_three_is_the_median(n, median):
    row = handmade.row("ae", 0.3, values={f"c{i}": i / 10 for i in range(n)})
    assert spread_cases(row, 3) == [("c0", "worst"), (median, "median"), (f"c{n - 1}", "best")]
    assert spread_cases(row, 1) == [(median, "median")]


def test_i17_other_places_are_counted_from_the_worst():
    row = handmade.row("ae", 0.3, values={f"c{i}": i / 10 for i in range(10)})
    assert [place for _, place in spread_cases(row, 4)] == [
        "worst", "4 of 10 from the worst", "7 of 10 from the worst", "best",
    ]  # fmt: skip


def leader(*rows):
    return leading([ViewedRun(row, None, None) for row in rows], "ap.case").row.label


def test_i17_a_control_leads_only_where_there_is_nothing_else():
    runs = (handmade.control("atlas-z", 0.9), handmade.row("ae", 0.3))
    assert leader(*runs) == "ae"
    assert leader(runs[0]) == "atlas-z"
    assert leader(runs[0], handmade.row("ae", 0.3, None)) == "ae"


@pytest.mark.parametrize(
    "unranked",
    [
        handmade.row("other", 0.9, None, marks=(f"{LEAK}: allowed",)),
        handmade.row("other", 0.9, None, done=4, started=5),
        handmade.row("other", 0.9, 2),
    ],
    ids=["leaky", "missing seed", "lower rank"],
)
def test_i17_the_highest_rank_leads_not_the_highest_mean(unranked):
    assert leader(unranked, handmade.row("ae", 0.3, 1)) == "ae"


@pytest.mark.parametrize(
    "changes", [{"marks": (f"{LEAK}: allowed",)}, {"done": 4, "started": 5}, {"cells": {}}]
)
def test_i17_without_ranks_a_row_that_could_be_ranked_leads(changes):
    other = handmade.row("other", 0.9, None, **changes)
    assert leader(other, handmade.row("ae", 0.3, None), handmade.row("vae", 0.2, None)) == "ae"


def test_i17_the_page_says_why_a_method_leads():
    assert reason(handmade.row("ae", 0.3, 2)) == "the highest-ranked method with stored maps"
    assert reason(handmade.row("ae", 0.3, None)).startswith("a method without a rank, since no ranked")
    assert reason(handmade.control("random", 0.3)).startswith("a control, since no ranked")
