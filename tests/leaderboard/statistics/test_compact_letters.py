"""Letters of groups: what they say is exactly which pairs are apart."""

import numpy as np
import pytest

from uad_bench.leaderboard.statistics.compact_letters import apart, letters
from uad_bench.leaderboard.statistics.paired_tests import holm, sign_flip


def split(text):
    """Letters with their digits: "ab1" -> {"a", "b1"}."""
    return set("".join(f" {c}" if c.isalpha() else c for c in text).split())


def symmetric(k, share, seed):
    different = np.triu(np.random.default_rng(seed).random((k, k)) < share, 1)
    return different | different.T


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("k", "share"), [(1, 0), (2, 1), (8, 0.5), (40, 0.3), (40, 0.9), (90, 0.6)])
def test_two_rows_share_a_letter_exactly_where_they_are_not_apart(k, share, seed):
    different = symmetric(k, share, seed)
    shown = [split(text) for text in letters(different)]
    shared = np.array([[bool(a & b) for b in shown] for a in shown])
    assert (shared == ~different).all()


def test_a_chain_takes_the_letters_that_a_person_would_write():
    chain = np.abs(np.subtract.outer(range(4), range(4))) > 1
    assert letters(chain) == ["a", "ab", "bc", "c"]
    assert letters(np.zeros((3, 3), bool)) == ["a", "a", "a"]
    assert letters(~np.eye(3, dtype=bool)) == ["a", "b", "c"]


def scores(k, n, step, seed=0):
    rng = np.random.default_rng(seed)
    return np.arange(k)[:, None] * step + rng.normal(0, 0.1, (k, n)) + rng.normal(0, 1, n)


def test_pairs_are_tested_by_sign_flips_with_holm_over_all_of_them():
    averaged = scores(4, 14, 0.1)
    above = np.triu_indices(4, 1)
    p = holm(np.array([sign_flip((averaged[j] - averaged[i])[None])[0] for i, j in zip(*above, strict=True)]))
    assert (apart(averaged)[above] == (p <= 0.05)).all()


def test_many_rows_can_be_told_apart_although_no_flips_could():
    different = apart(scores(40, 30, 1.0))
    assert different.sum() == 40 * 39


def test_few_patients_cannot_tell_many_rows_apart():
    assert not apart(scores(10, 5, 1.0)).any()
    assert not apart(scores(1, 5, 1.0)).any()
