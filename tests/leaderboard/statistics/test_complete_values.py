"""Undefined cases count as the lowest value of any row."""

import numpy as np

from uad_bench.leaderboard.statistics.complete_values import completed, defined_cases, replaced

NAN = np.nan
VALUES = {"a": np.array([[0.9, NAN, 0.2, NAN]]), "b": np.array([[0.5, 0.4, 0.1, NAN], [0.6, 0.2, 0.3, NAN]])}


def test_f8_a_missing_value_is_the_lowest_of_any_row_and_seed():
    found = completed(VALUES)
    assert found["a"].tolist() == [[0.9, 0.2, 0.2]] and found["b"].tolist() == VALUES["b"][:, :3].tolist()


def test_a_case_without_a_value_in_all_rows_is_left_out():
    assert defined_cases(VALUES).tolist() == [True, True, True, False]
    assert completed({"a": np.full((2, 3), NAN)}) == {}


def test_replaced_values_are_counted_by_row():
    assert replaced(VALUES) == {"a": 1} and replaced({}) == {}
