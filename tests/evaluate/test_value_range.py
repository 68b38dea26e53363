"""The range that a metric declares."""

import pytest

from uad_bench.evaluate.value_range import finite_range, parse_range


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("[0, 1]", (0, 1)),
        (" (-1,1) ", (-1, 1)),
        ("[0, ∞)", (0, float("inf"))),
        ("(−∞, 1]", (-float("inf"), 1)),
    ],
)
def test_an_interval_has_two_ends(text, ends):
    assert parse_range(text) == ends


@pytest.mark.parametrize("text", ["", "0 to 1", "[0; 1]", "[a, b]", "[0, 1, 2]"])
def test_another_text_is_refused(text):
    with pytest.raises(ValueError):
        parse_range(text)


@pytest.mark.parametrize("text", ["[0, inf)", "(-inf, 1]", "[1, 0]", "[0, 0]", "[nan, 1]", "a share"])
def test_a_range_without_two_finite_ends_in_order_is_none(text):
    assert finite_range(text) is None
    assert finite_range("[-1, 1]") == (-1, 1)
