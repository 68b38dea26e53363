"""Undefined cases count as the lowest value of the other rows."""

import numpy as np

from uad_bench.leaderboard.statistics.complete_values import CompleteValues

NAN = np.nan
VALUES = {"a": np.array([[0.9, NAN, 0.2, NAN]]), "b": np.array([[0.5, 0.4, 0.1, NAN], [0.6, 0.2, 0.3, NAN]])}


def test_f8_a_missing_value_is_the_lowest_of_any_row_and_seed():
    found = CompleteValues.of(VALUES).values
    assert found["a"].tolist() == [[0.9, 0.2, 0.2]] and found["b"].tolist() == VALUES["b"][:, :3].tolist()


def test_a_case_without_a_value_in_all_rows_is_left_out():
    assert CompleteValues.of(VALUES).kept.tolist() == [True, True, True, False]
    assert CompleteValues.of({"a": np.full((2, 3), NAN)}).values == {}


def test_replaced_values_are_counted_by_row():
    assert CompleteValues.of(VALUES).replaced == {"a": 1} and CompleteValues.of({}).replaced == {}
