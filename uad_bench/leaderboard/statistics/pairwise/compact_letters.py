"""Compact letter display: rows that share a letter do not differ significantly (Piepho 2004)."""

from collections.abc import Iterator, Sequence

from uad_bench.leaderboard.statistics.variance_components import Bools


def compact_letters(different: Bools) -> list[str]:
    """The letters of each row, given which pairs differ significantly (k, k); rows are in the order of their ranks.

    Two rows share a letter exactly where they do not differ significantly. A letter stands for a set of rows without
    a significant pair; sets are added greedily until every non-significant pair is in one, which is a clique cover of
    the edges of a graph (Gramm et al. 2007).

    >>> import numpy as np
    >>> different = np.array([[False, False, True], [False, False, False], [True, False, False]])
    >>> compact_letters(different)  # only the first and the last row differ
    ['a', 'ab', 'b']
    """
    letters: list[list[str]] = [[] for _ in different]
    for number, members in enumerate(_clique_cover(different)):
        for row in members:
            letters[row].append(_letter(number))
    return ["".join(one) for one in letters]


def _letter(number: int) -> str:
    """a to z, then a1 to z1, a2 ...: unambiguous when written without a space."""
    turn, place = divmod(number, 26)
    return chr(ord("a") + place) + (str(turn) if turn else "")


def _clique_cover(different: Bools) -> Iterator[Sequence[int]]:
    """Sets of rows as bits of Python integers: fast with hundreds of rows, and without a library."""
    k = len(different)
    similar = [
        sum(1 << j for j in range(k) if j != i and not row[j]) for i, row in enumerate(different.tolist())
    ]
    uncovered, seen = list(similar), 0
    for i in range(k):
        while uncovered[i] >> i or not seen >> i & 1:
            wanted = uncovered[i] >> i << i
            members = _clique(i, similar, first=(wanted & -wanted).bit_length() - 1)
            mask = sum(1 << j for j in members)
            seen |= mask
            for j in members:
                uncovered[j] &= ~mask
            yield members


def _clique(i: int, similar: Sequence[int], first: int) -> list[int]:
    """A maximal clique around row i (and row `first`, if it is not negative); better ranks are added first."""
    members, candidates = [i], similar[i]
    if first >= 0:
        members.append(first)
        candidates &= similar[first]
    while candidates:
        j = (candidates & -candidates).bit_length() - 1
        members.append(j)
        candidates &= similar[j]
    return sorted(members)
