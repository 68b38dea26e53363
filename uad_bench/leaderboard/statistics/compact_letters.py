"""Compact letter display: two rows share a letter exactly where no test tells them apart."""

from collections.abc import Iterator, Sequence

import numpy as np

from uad_bench.leaderboard.statistic_types import SCHEME, Scheme
from uad_bench.leaderboard.statistics.intervals import Bools, Floats
from uad_bench.leaderboard.statistics.paired_tests import holm, sign_flip, t_test


def apart(averaged: Floats, scheme: Scheme = SCHEME) -> Bools:
    """Which pairs of rows a paired test tells apart, after Holm's correction over all pairs; (k, k).

    averaged: (k, patients), seeds averaged. The test is the sign flip. Where 10,000 flips cannot give a p small
    enough for that many pairs (more than 32 rows), it is the t test; where not even all flips can, nothing is apart.
    """
    k, n = averaged.shape
    different = np.zeros((k, k), bool)
    pairs, exact = k * (k - 1) // 2, n <= scheme.exact
    resolved = pairs * _least(n, scheme) <= scheme.alpha
    if pairs == 0 or (exact and not resolved):
        return different
    p = np.concatenate([_against_later(averaged, i, scheme, flips=resolved) for i in range(k - 1)])
    above = np.triu_indices(k, 1)
    different[above] = holm(p) <= scheme.alpha
    return np.asarray(different | different.T)


def _least(n: int, scheme: Scheme) -> float:
    """The smallest p that the sign flips of n patients can give."""
    return 2.0 ** (1 - n) if n <= scheme.exact else 1 / (scheme.flips + 1)


def _against_later(averaged: Floats, i: int, scheme: Scheme, *, flips: bool) -> Floats:
    d = averaged[i + 1 :] - averaged[i]
    return sign_flip(d, scheme) if flips else t_test(d)


def letters(different: Bools) -> list[str]:
    """The letters of each row, from which pairs are apart (k, k); rows come in the order of their ranks.

    A letter is a set of rows without a pair that is apart; sets are added until each pair that is not apart is in one
    (Gramm et al. 2007: a cover of the graph's edges by cliques, here the greedy one).
    """
    shown: list[list[str]] = [[] for _ in different]
    for number, members in enumerate(_cliques(different)):
        for row in members:
            shown[row].append(_letter(number))
    return ["".join(one) for one in shown]


def _letter(number: int) -> str:
    """a to z, then a1 to z1, a2 ...: unambiguous when written without a space."""
    turn, place = divmod(number, 26)
    return chr(ord("a") + place) + (str(turn) if turn else "")


def _cliques(different: Bools) -> Iterator[Sequence[int]]:
    """Sets of bits are Python integers: with hundreds of rows that is fast, and needs no library."""
    k = len(different)
    near = [
        sum(1 << j for j in range(k) if j != i and not row[j]) for i, row in enumerate(different.tolist())
    ]
    open_, seen = list(near), 0
    for i in range(k):
        while open_[i] >> i or not seen >> i & 1:
            wanted = open_[i] >> i << i
            members = _grown(i, near, first=(wanted & -wanted).bit_length() - 1)
            mask = sum(1 << j for j in members)
            seen |= mask
            for j in members:
                open_[j] &= ~mask
            yield members


def _grown(i: int, near: Sequence[int], first: int) -> list[int]:
    """A largest set around row i (and row `first`, if there is one), the best ranked rows taken first."""
    members, open_ = [i], near[i]
    if first >= 0:
        members.append(first)
        open_ &= near[first]
    while open_:
        j = (open_ & -open_).bit_length() - 1
        members.append(j)
        open_ &= near[j]
    return sorted(members)
