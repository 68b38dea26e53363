"""Bins of the score with equal shares of a pool's positives, and where in them these lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from uad_bench.evaluate.counting import keys
from uad_bench.evaluate.points import Counts, Floats, OperatingPoints
from uad_bench.evaluate.sketch import SHIFT, Bins, Histogram

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

    edges: the fine bin of the sketch that each begins with, ascending, the first 0, (K,); rows: the first row in each
    of the pool's table turned over, (K,).
    """

    pool: OperatingPoints
    edges: Bins
    rows: Counts

    @classmethod
    def of(cls, pool: OperatingPoints) -> "CoarseBins":
        """The bins of a pool; none without a positive in the brain."""
        fine = (keys(pool.thresholds) >> np.uint32(SHIFT))[::-1]
        rows = np.flatnonzero(np.diff(fine.astype(np.int64), prepend=-1))
        if not rows.size:
            return cls(pool, fine, rows)
        held = np.add.reduceat(pool.gained[::-1], rows)
        share = (np.cumsum(held) - held) * N_COARSE // int(held.sum())
        rows = rows[np.flatnonzero(np.diff(share, prepend=-1))]
        edges = fine[rows]
        edges[0] = 0
        return cls(pool, edges, rows)

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
        gained = self.pool.gained[::-1]
        total: Floats = np.add.reduceat(gained * counts[::-1], self.rows) / np.add.reduceat(gained, self.rows)
        return total


def precise(p: Floats, n: Floats, shares: Shares) -> Floats:
    """The sum over positives of the precision at them, (B,), for positives and negatives by bin, (B, K)."""
    tp, fp = _above(p) + shares.tp * p, _above(n) + shares.fp * n
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=p > 0)
    total: Floats = np.einsum("bk,bk->b", p, precision)
    return total


def behind(p: Floats, n: Floats, shares: Shares) -> Floats:
    """The sum over positives of the negatives below them, those equal to them by half, (B,)."""
    below = n.sum(axis=1, keepdims=True) - _above(n) - shares.half * n
    total: Floats = np.einsum("bk,bk->b", p, below)
    return total


def _above(counts: Floats) -> Floats:
    """What the bins above each one hold, (B, K), bins ascending."""
    held: Floats = counts.sum(axis=1, keepdims=True) - np.cumsum(counts, axis=1)
    return held


def by_bin(parts: Sequence[Histogram], edges: Bins) -> Floats:
    """Counts of each histogram between the edges, (n, K); what lies below the first edge is in the first bin."""
    found = np.zeros((len(parts), edges.size))
    for row, part in zip(found, parts, strict=True):
        total = part.before()
        start = total[part.bins.searchsorted(edges)]
        row[:] = np.diff(start, append=total[-1])
    return found
