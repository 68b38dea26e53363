"""Direct, slow implementations of the definitions, as references for the values of the engine."""

import numpy as np
from scipy import ndimage


def scores_of(rng, n):
    """Scores (n,) of a kind that metric code easily gets wrong: ties, two zeros, subnormal or huge numbers, float16."""
    kinds = [
        lambda: rng.normal(size=n),
        lambda: rng.integers(-3, 3, n),
        lambda: np.full(n, rng.normal()),
        lambda: rng.choice([0.0, -0.0, 1.0], n),
        lambda: rng.integers(-5, 5, n) * np.float32(1e-45),
        lambda: rng.normal(size=n).clip(-3, 3) * 1e38,
        lambda: rng.normal(size=n).astype(np.float16),
        lambda: -rng.random(n) - 20,
    ]
    scores = kinds[rng.integers(len(kinds))]()
    return scores if scores.dtype == np.float16 else scores.astype(np.float32)


def draw(seed):
    """Scores (n,) and lesion (n,) of up to 40 voxels; none, some or all are lesion."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    return scores_of(rng, n), rng.random(n) < rng.choice([0.0, 0.1, 0.5, 1.0])


def brute_dice(scores, lesion, missed=0):
    """(largest Dice, highest threshold that reaches it), from every distinct score."""
    best, at = -1.0, np.inf
    for t in np.unique(scores)[::-1]:
        picked = scores >= t
        dice = 2 * np.sum(picked & lesion) / (np.sum(picked) + np.sum(lesion) + missed)
        if dice > best:
            best, at = float(dice), float(t)
    return best, at


def brute_area(x, y, limit):
    """The trapezoidal area under the points (x, y), x ascending from 0, up to x = limit by linear interpolation."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    inside = x <= limit
    if not inside.all():
        first = int(np.argmax(~inside))
        cut = np.interp(limit, x[first - 1 : first + 1], y[first - 1 : first + 1])
        x, y = np.append(x[:first], limit), np.append(y[:first], cut)
    return float(np.trapezoid(y, x))


def brute_aupro(cases, limit):
    """AUPRO of pooled cases, each (map, brain, lesion), with every distinct brain score as a threshold."""
    labelled = [ndimage.label(lesion, np.ones((3, 3, 3))) for _, _, lesion in cases]
    values = np.unique(np.concatenate([scores[brain] for scores, brain, _ in cases]))[::-1]
    x, y = [0.0], [0.0]
    for t in values:
        false = sum(np.sum((scores >= t) & brain & ~lesion) for scores, brain, lesion in cases)
        recalls = [
            np.mean(((scores >= t) & brain)[labels == k])
            for (scores, brain, _), (labels, n) in zip(cases, labelled, strict=True)
            for k in range(1, n + 1)
        ]
        x.append(false / sum(np.sum(brain & ~lesion) for _, brain, lesion in cases))
        y.append(np.mean(recalls))
    return brute_area(x, y, limit) / limit
