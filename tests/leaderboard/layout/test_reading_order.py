"""The order in which people read tables."""

from dataclasses import replace

from tests.helpers import handmade
from uad_bench.leaderboard.layout.reading_order import reading_order
from uad_bench.leaderboard.render.render import render


def test_f3_a_page_never_opens_on_a_table_of_few_patients():
    few = handmade.table(handmade.bare_rows(), test="brats21", primary="ap.pooled", values_only=True)
    small = handmade.table(handmade.bare_rows(), test="mslub", primary="ap.pooled", protocol="a")
    large = handmade.table(handmade.bare_rows(), test="phantom", primary="ap.pooled", protocol="b")
    large = type(large)(**(vars(large) | {"lesion": 36}))
    assert reading_order([few, small, large]) == [large, small, few]
    for form in ("markdown", "latex", "html"):
        text = render([few, small, large], form)
        assert (
            text.index("tested on phantom") < text.index("tested on mslub") < text.index("tested on brats21")
        )


def test_a_table_that_is_not_comparable_with_the_first_of_its_test_set_is_never_before_it():
    reason = "protocol differs: b against a"
    first = handmade.table(handmade.bare_rows(), test="mslub", primary="ap.pooled", protocol="a")
    larger = handmade.table(
        handmade.bare_rows(), test="mslub", primary="ap.pooled", protocol="b", not_comparable=reason
    )
    larger = replace(larger, lesion=50)
    other = replace(handmade.table(handmade.bare_rows(), test="phantom", primary="ap.pooled"), lesion=36)
    assert reading_order([first, larger, other]) == [first, larger, other]
    for form in ("markdown", "latex", "html"):
        text = render([first, larger], form)
        assert text.index("protocol a") < text.index("not comparable with the first table of mslub")
