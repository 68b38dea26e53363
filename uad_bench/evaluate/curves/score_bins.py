"""Bins of the score with equal shares of a pool's positives, and where in them these lie.

Bins begin at positives of the pool, chosen by rank: an increasing transform of all maps moves no voxel to another.
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
    """Where the positives of each bin lie in it on average, as shares of what the bin holds, (K,).

    tp, fp: positives, negatives at or above a positive; half: negatives above it and half of those equal to it.
    """

    tp: Floats
    fp: Floats
    half: Floats


@dataclass(frozen=True, eq=False)
class CoarseBins:
    """Coarse bins of a pool, each with about an equal share of its positives.

    edges: the lowest positive of each, ascending, (K,); rows: its row in the pool's table turned over, (K,). What lies
    below the first edge is in no bin: negatives alone.
    """

    pool: OperatingPoints
    edges: Scores
    rows: Counts

    @classmethod
    def of(cls, pool: OperatingPoints) -> "CoarseBins":
        """The bins of a pool; none without a positive in the brain."""
        rows = _firsts(pool.gained[::-1])
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
    """The edges that `CoarseBins.of` gives a pool with these sorted positives, (K,), before a negative is counted."""
    values, at = distinct(positives)
    return values[_firsts(at)]


def _firsts(at: Counts) -> Counts:
    """Where each bin begins among distinct values, ascending, of which `at` positives are at each."""
    share = (np.cumsum(at) - at) * N_COARSE // max(1, int(at.sum()))
    return np.flatnonzero(np.diff(share, prepend=-1))


def precise(p: Floats, n: Floats, shares: Shares) -> Floats:
    """The sum over positives of the precision at them, (B,), for positives and negatives by bin, (B, K)."""
    tp, fp = _above(p) + shares.tp * p, _above(n) + shares.fp * n
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=p > 0)
    total: Floats = np.einsum("bk,bk->b", p, precision)
    return total


def behind(p: Floats, n: Floats, n_negative: Floats, shares: Shares) -> Floats:
    """The sum over positives of the negatives below them, those equal to them by half, (B,); n_negative: (B,)."""
    below = n_negative[:, np.newaxis] - _above(n) - shares.half * n
    total: Floats = np.einsum("bk,bk->b", p, below)
    return total


def _above(counts: Floats) -> Floats:
    """What the bins above each one hold, (B, K), bins ascending."""
    held: Floats = counts.sum(axis=1, keepdims=True) - np.cumsum(counts, axis=1)
    return held


def at_least(runs: Sequence[Scores], edges: Scores) -> Counts:
    """How much of some sorted runs is at or above each edge, (K,)."""
    total = np.zeros(edges.size, np.int64)
    for run in runs:
        total += run.size - run.searchsorted(edges)
    return total


def by_bin(above: Sequence[Counts], edges: Scores) -> Floats:
    """Counts in each bin, (n, K), from those at or above each edge, n times (K,)."""
    found = np.zeros((len(above), edges.size))
    for row, counts in zip(found, above, strict=True):
        row[:] = -np.diff(counts, append=0)
    return found
