"""The details of a method on the page."""

import numpy as np
import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.render.method_details import doi, method_details
from uad_bench.results.training_log import LoggedSeries, TrainingLog


@pytest.mark.parametrize(
    ("paper", "found"),
    [("Baur 2021, arXiv:2004.03271", "10.48550/arXiv.2004.03271"), ("doi 10.1016/j.media.1, x", "10.1016/j.media.1"),
     ("", "")],
)  # fmt: skip
def test_the_doi_of_a_citation(paper, found):
    assert doi(paper) == found


def test_cases_are_ranked_and_linked_undefined_ones_last():
    row = handmade.row("ae", 0.3, values={"a": 0.1, "b": None, "c": 0.4})
    details = method_details(handmade.table([row]), row, "m", {"c": "#case"}, (), {})
    assert details.cases == (("c", "0.400", "#case"), ("a", "0.100", ""), ("b", "undefined", ""))
    assert details.training == ()


def test_i17_the_charts_of_a_training_are_drawn_in_the_first_table_of_its_runs_only():
    logs = (
        TrainingLog("ae", "seed 0", {("p", "loss"): LoggedSeries(np.arange(3.0), np.array([3.0, 2.0, 1.0]))}),
    )
    row, drawn = handmade.row("ae", 0.3), {}
    first, second = (
        method_details(handmade.table([row]), row, name, {}, logs, drawn) for name in ("m1", "m2")
    )
    assert len(first.training) == 1 and first.training_at == ""
    assert second.training == () and second.training_at == "m1"
