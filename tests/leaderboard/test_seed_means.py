"""Means, standard deviations and costs over seeds."""

import random
import statistics

import pytest

from uad_bench.leaderboard.run_summary import Cost, MetricValue
from uad_bench.leaderboard.seed_means import mean_cost, mean_over_seeds


def values(*numbers):
    return [MetricValue(number, 36, 0) for number in numbers]


def test_mean_and_standard_deviation_are_those_of_the_sample():
    numbers = [random.Random(seed).random() for seed in range(7)]
    cell = mean_over_seeds(values(*numbers))
    assert cell.mean == pytest.approx(statistics.mean(numbers), abs=1e-15)
    assert cell.sd == pytest.approx(statistics.stdev(numbers), abs=1e-15)
    assert (cell.seeds, cell.fold_sd) == (7, None)


def test_one_seed_and_a_deterministic_method_have_no_standard_deviation():
    assert mean_over_seeds(values(0.3))[:3] == (0.3, None, 1)
    assert mean_over_seeds(values(0.3, 0.3), deterministic=True)[:3] == (0.3, None, 2)
    assert mean_over_seeds(values(0.3, 0.5)).sd is not None


def test_undefined_seeds_and_cases_are_counted_not_averaged():
    cell = mean_over_seeds([MetricValue(0.4, 34, 2, "empty_brain"), MetricValue(None, 0, 36, "no_tune")])
    assert cell[:6] == (0.4, None, 1, 0, 36, "empty_brain no_tune")
    assert mean_over_seeds([MetricValue(None, 0, 36, "no_tune")]).mean is None
    differing = mean_over_seeds(
        [MetricValue(0.4, 34, 2), MetricValue(0.4, 33, 0)]
    )  # of 36: 3 failed in one seed
    assert (differing.n, differing.undefined) == (33, 0)


def test_with_folds_the_mean_is_that_of_fold_means_and_the_sd_is_within_folds():
    cell = mean_over_seeds(values(0.1, 0.3, 0.6), folds=[0, 0, 1])
    assert cell.mean == pytest.approx((0.2 + 0.6) / 2)
    assert cell.sd == pytest.approx(statistics.stdev([0.1, 0.3]))
    assert cell.fold_sd == pytest.approx(statistics.stdev([0.2, 0.6]))


def test_a_flag_of_any_seed_is_a_flag_of_the_row():
    cell = mean_over_seeds([MetricValue(0.4, 1, 0, oracle=True), MetricValue(0.4, 1, 0, lower=True)])
    assert (cell.oracle, cell.lower) == (True, True)


def test_costs_are_means_of_what_was_recorded():
    found = mean_cost([Cost(10, 1.0, None, 100, None, "cpu"), Cost(13, 2.0, 5.0, None, None, "gpu")])
    assert found == Cost(12, 1.5, 5.0, 100, None, "cpu, gpu")
    assert mean_cost([]) == Cost()
