"""Field names are keys of JSON and columns of CSV that other programs read."""

from uad_bench.evaluate.curves import bootstrap
from uad_bench.leaderboard.statistic_types import SCHEME, Contrast, CriticalDifference, RankStatistics
from uad_bench.leaderboard.table import Cell, TableKey


def test_field_names_stay():
    assert RankStatistics._fields == ("low", "high", "first", "letters", "by_case")
    assert CriticalDifference._fields == ("metric", "n", "mean_ranks", "difference", "p", "cliques")
    assert Contrast._fields == (
        "other",
        "metric",
        "n",
        "difference",
        "low",
        "high",
        "p",
        "p_holm",
        "p_wilcoxon",
        "p_seeds",
        "p_equal",
    )
    assert TableKey._fields == (
        "protocol",
        "test",
        "train",
        "fingerprint",
        "options",
        "fit_ids",
        "test_ids",
        "track",
    )
    assert Cell._fields[:8] == ("mean", "sd", "seeds", "n", "undefined", "reason", "low", "high")
    assert set(vars(SCHEME)) == {
        "draws",
        "seed",
        "alpha",
        "flips",
        "exact",
        "delta",
        "patients",
        "flip_test",
        "interval",
        "test",
        "correction",
        "ranking",
    }


def test_resamples_are_those_that_the_runs_store():
    assert (SCHEME.draws, SCHEME.seed) == (bootstrap.DRAWS, bootstrap.SEED)
