"""The details of a method on the page."""

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.render.method_details import doi, method_details


@pytest.mark.parametrize(
    ("paper", "found"),
    [("Baur 2021, arXiv:2004.03271", "10.48550/arXiv.2004.03271"), ("doi 10.1016/j.media.1, x", "10.1016/j.media.1"),
     ("", "")],
)  # fmt: skip
def test_the_doi_of_a_citation(paper, found):
    assert doi(paper) == found


def test_cases_are_ranked_and_linked_undefined_ones_last():
    row = handmade.row("ae", 0.3, values={"a": 0.1, "b": None, "c": 0.4})
    details = method_details(handmade.table([row]), row, "m", {"c": "#case"}, ())
    assert details.cases == (("c", "0.400", "#case"), ("a", "0.100", ""), ("b", "undefined", ""))
    assert details.training == ()
