"""Compact letter display: letters are shared exactly by pairs that do not differ significantly."""

import numpy as np
import pytest

from uad_bench.leaderboard.statistics.pairwise.compact_letters import compact_letters


def split(text):
    """Letters with their digits: "ab1" -> {"a", "b1"}."""
    return set("".join(f" {c}" if c.isalpha() else c for c in text).split())


def symmetric(k, share, seed):
    different = np.triu(np.random.default_rng(seed).random((k, k)) < share, 1)
    return different | different.T


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("k", "share"), [(1, 0), (2, 1), (8, 0.5), (40, 0.3), (40, 0.9), (90, 0.6)])
def test_two_rows_share_a_letter_exactly_where_they_do_not_differ(k, share, seed):
    different = symmetric(k, share, seed)
    letters = [split(text) for text in compact_letters(different)]
    shared = np.array([[bool(a & b) for b in letters] for a in letters])
    assert (shared == ~different).all()


def test_simple_patterns_have_the_usual_letters():
    chain = np.abs(np.subtract.outer(range(4), range(4))) > 1
    assert compact_letters(chain) == ["a", "ab", "bc", "c"]
    assert compact_letters(np.zeros((3, 3), bool)) == ["a", "a", "a"]
    assert compact_letters(~np.eye(3, dtype=bool)) == ["a", "b", "c"]


def test_letters_after_z_have_a_number():
    letters = compact_letters(~np.eye(54, dtype=bool))
    assert (letters[25], letters[26], letters[51], letters[52]) == ("z", "a1", "z1", "a2")
