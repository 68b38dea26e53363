"""Candidates against a flood of every set of equal scores, on maps with many ties."""

from collections import deque
from itertools import product

import numpy as np
import pytest

from tests.helpers.masks import case
from uad_bench.evaluate.metrics.detection.candidates import candidates

AROUND = [step for step in product((-1, 0, 1), repeat=3) if any(step)]


def neighbours(voxel, brain):
    for step in AROUND:
        other = tuple(int(k) + s for k, s in zip(voxel, step, strict=True))
        if all(0 <= k < n for k, n in zip(other, brain.shape, strict=True)) and brain[other]:
            yield other


def brute_force(scores, brain):
    """The central voxel and the score of each set of equal scores without a higher neighbour."""
    seen, found = set(), {}
    for start in map(tuple, np.argwhere(brain).tolist()):
        if start in seen:
            continue
        flood, queue, highest = [start], deque([start]), True
        seen.add(start)
        while queue:
            for other in neighbours(queue.popleft(), brain):
                highest &= scores[other] <= scores[start]
                if scores[other] == scores[start] and other not in seen:
                    seen.add(other)
                    flood.append(other)
                    queue.append(other)
        if highest:
            voxels = np.array(sorted(flood))
            apart = ((voxels * len(voxels) - voxels.sum(0)) ** 2).sum(1)
            place = tuple(voxels[np.argmin(apart)])
            found[int(np.ravel_multi_index(place, brain.shape))] = float(scores[start])
    return found


@pytest.mark.parametrize("levels", [1, 2, 4, 1000])
def test_candidates_are_the_regional_maxima(levels):
    rng = np.random.default_rng(levels)
    for shape in ((7, 6, 5), (1, 1, 12), (2, 9, 1)):
        for share in (0.3, 0.9):
            brain = rng.random(shape) < share
            brain.ravel()[0] = True
            scores = np.floor(rng.random(shape) * levels).astype(np.float32) - 2
            found = candidates(case(scores, np.zeros(shape, bool), brain))
            expected = brute_force(scores, brain)
            assert dict(zip(found.index.tolist(), found.scores.tolist(), strict=True)) == expected


def test_scores_outside_the_brain_play_no_part():
    brain = np.zeros((5, 5, 5), bool)
    brain[1:4, 1:4, 1:4] = True
    scores = np.where(brain, np.float32(-3), np.float32(9))
    scores[2, 2, 3] = -1
    found = candidates(case(scores, ~brain, brain))
    assert found.index.tolist() == [np.ravel_multi_index((2, 2, 3), brain.shape)]
    assert found.scores.tolist() == [-1]
