"""Order of prepared cases: warnings, then outliers."""

import numpy as np
import pytest
from scipy.stats import median_abs_deviation

from uad_bench.data_report.outliers import CaseFacts, rank_cases, robust_z


def test_robust_z_scores_are_differences_from_the_median_over_the_scaled_mad():
    values = np.array([2.1, 2.6, 2.4, 2.5, 2.3, 2.1, 2.3, 2.6, 8.2, 8.3])
    deviation = median_abs_deviation(values, scale="normal")
    assert robust_z(values) == pytest.approx((values - np.median(values)) / deviation, rel=1e-4)
    assert np.flatnonzero(robust_z(values) > 3.5).tolist() == [8, 9]


def test_with_a_mad_of_zero_a_different_value_is_still_an_outlier():
    z = robust_z(np.array([0.0] * 9 + [1.0]))
    assert z[:9].tolist() == [0.0] * 9 and z[9] > 3.5


def test_irrelevant_differences_are_no_outliers():
    assert np.abs(robust_z(np.array([100.0, 100.0, 100.01, 100.0, 99.99, 100.2]))).max() < 0.5
    assert np.abs(robust_z(np.array([0.0, 0.0, 0.0004, 0.0001, 0.0, 0.0008]))).max() < 0.5


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0, 900.0], [5.0] * 8, [0.0] * 8])
def test_few_or_equal_values_have_no_outliers(values):
    assert robust_z(np.array(values)).tolist() == [0.0] * len(values)


def cohort(**changes):
    """Nine cases with dice 0.95 to 0.958; changes by case id."""
    facts = [CaseFacts(f"c{i}", "healthy", (), {"dice": 0.95 + i / 1000}) for i in range(9)]
    return [changes.get(one.case_id, one) for one in facts]


def test_cases_are_sorted_by_warnings_then_distance_then_id():
    cases = cohort(
        c3=CaseFacts("c3", "", ("one",), {"dice": 0.954}),
        c5=CaseFacts("c5", "", ("one", "two"), {"dice": 0.954}),
        c7=CaseFacts("c7", "", (), {"dice": 0.80}),
    )
    order = [one.facts.case_id for one in rank_cases(cases)]
    assert order[:3] == ["c5", "c3", "c7"]
    assert sorted(order) == [one.case_id for one in cases]


def test_the_farthest_value_is_named_with_its_sign():
    cases = [
        CaseFacts(f"c{i}", "", (), {"dice": 0.95, "brain, ml": 1300.0 + 10 * i}, {"lesions": 1})
        for i in range(8)
    ]
    cases.append(CaseFacts("far", "", (), {"dice": 0.95, "brain, ml": 700.0}, {"lesions": 900}))
    first = rank_cases(cases)[0]
    assert first.facts.case_id == "far" and first.farthest == "brain, ml"
    assert first.z["brain, ml"] < -3.5 and first.distance == -first.z["brain, ml"]


def test_a_value_that_some_cases_lack_is_compared_among_the_others():
    cases = cohort(c2=CaseFacts("c2", "", (), {}), c4=CaseFacts("c4", "", (), {"dice": 0.5}))
    found = {one.facts.case_id: one for one in rank_cases(cases)}
    assert found["c2"].z == {} and found["c2"].distance == 0 and found["c2"].farthest == ""
    assert found["c4"].z["dice"] < -3.5


def test_no_cases():
    assert rank_cases([]) == []
