"""Bins of the score with equal shares of a pool's positives, and where in a bin the positives lie.

Bins begin at scores of positives that are chosen by rank: after an increasing transform of all maps every voxel is in
the same bin as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from uad_bench.evaluate.curves.operating_points import Counts, Floats, OperatingPoints, Scores
from uad_bench.evaluate.curves.sorted_scores import distinct

#: Bins of the score, each with an equal share of the positives.
N_COARSE = 2048


class Shares(NamedTuple):
    """The mean position of the positives inside each bin, as shares of the voxels of the bin, (K,).

    tp: positives at or above a positive. fp: negatives at or above it. half: negatives above it, and half of those
    equal to it.
    """

    tp: Floats
    fp: Floats
    half: Floats


@dataclass(frozen=True, eq=False)
class CoarseBins:
    """Coarse bins of a pool, each with about an equal share of its positives.

    edges: the lowest positive of each bin, ascending, (K,). rows: its row in the pool's table in ascending order, (K,).
    Scores below the first edge are in no bin; they are negatives only.

    >>> from uad_bench.evaluate.curves.curve import Curve
    >>> pool = Curve.of(np.float32([4, 3, 2, 1]), np.array([True, False, True, False]))
    >>> CoarseBins.of(pool.points).edges
    array([2., 4.], dtype=float32)
    """

    pool: OperatingPoints
    edges: Scores
    rows: Counts

    @classmethod
    def of(cls, pool: OperatingPoints) -> "CoarseBins":
        """The bins of a pool; none without a positive in the brain."""
        rows = _first_rows(pool.gained[::-1])
        return cls(pool, pool.thresholds[::-1][rows], rows)

    def shares(self, p: Floats, n: Floats) -> Shares:
        """From the pool's positives and negatives in each bin, (K,)."""
        tp, fp, fp_above = (self._mean_at(c) for c in (self.pool.tp, self.pool.fp, self.pool.fp_above))
        above = _above(n[np.newaxis])[0]
        inside = (fp - above, (fp + fp_above) / 2 - above)
        return Shares(
            (tp - _above(p[np.newaxis])[0]) / p, *(np.where(n > 0, x / np.maximum(n, 1), 0) for x in inside)
        )

    def _mean_at(self, counts: Counts) -> Floats:
        """The mean of a column of the table over the positives of each bin, (K,)."""
        if not self.rows.size:
            return np.zeros(0)
        gained = self.pool.gained[::-1]
        total: Floats = np.add.reduceat(gained * counts[::-1], self.rows) / np.add.reduceat(gained, self.rows)
        return total


def edges_of(positives: Scores) -> Scores:
    """The edges that `CoarseBins.of` gives a pool with these sorted positives, (K,); no negatives are needed."""
    values, at = distinct(positives)
    return values[_first_rows(at)]


def _first_rows(at: Counts) -> Counts:
    """The row at which each bin begins, among distinct values in ascending order with `at` positives each."""
    if not at.size:
        return np.zeros(0, np.int64)
    share = np.cumsum(at)  # changed in place: a pool has millions of rows
    total = int(share[-1])
    share -= at
    share *= N_COARSE
    share //= total
    return np.concatenate([np.zeros(1, np.int64), np.flatnonzero(share[1:] != share[:-1]) + 1])


def precision_sum(p: Floats, n: Floats, shares: Shares) -> Floats:
    """The sum over positives of the precision at their score, (B,), from positives and negatives by bin, (B, K)."""
    tp, fp = _above(p) + shares.tp * p, _above(n) + shares.fp * n
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=p > 0)
    total: Floats = np.einsum("bk,bk->b", p, precision)
    return total


def negatives_below(p: Floats, n: Floats, n_negative: Floats, shares: Shares) -> Floats:
    """The sum over positives of the negatives below them, ties counted as half, (B,); n_negative: (B,)."""
    below = n_negative[:, np.newaxis] - _above(n) - shares.half * n
    total: Floats = np.einsum("bk,bk->b", p, below)
    return total


def _above(counts: Floats) -> Floats:
    """The counts in all bins above each bin, (B, K), bins in ascending order.

    >>> _above(np.array([[1.0, 2, 4]]))
    array([[6., 4., 0.]])
    """
    above: Floats = counts.sum(axis=1, keepdims=True) - np.cumsum(counts, axis=1)
    return above


def at_least(runs: Sequence[Scores], edges: Scores) -> Counts:
    """The number of scores of some sorted arrays at or above each edge, (K,).

    >>> at_least([np.array([1.0, 2]), np.array([2.0, 3])], np.array([2.0, 3]))
    array([3, 1])
    """
    total = np.zeros(edges.size, np.int64)
    for run in runs:
        total += run.size - run.searchsorted(edges)
    return total


def by_bin(above: Sequence[Counts], edges: Scores) -> Floats:
    """The counts in each bin for n cases, (n, K), from the counts at or above each edge, n arrays (K,).

    >>> by_bin([np.array([3, 1])], np.array([2.0, 3]))
    array([[2., 1.]])
    """
    found = np.zeros((len(above), edges.size))
    for row, counts in zip(found, above, strict=True):
        row[:] = -np.diff(counts, append=0)
    return found
