"""What an evaluation keeps of a case: its lesion voxels and its numbers, not its brain voxels."""

import tracemalloc
from collections.abc import Iterable

import numpy as np
import pytest

from uad_bench.evaluate.curves import two_pass
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metrics.aupro import Aupro30
from uad_bench.evaluate.metrics.voxel import AveragePrecision, Dice
from uad_bench.evaluate.thresholds import Threshold, resolve
from uad_bench.types import Scored

SHAPE = (64, 64, 64)
VOXELS = 64**3
#: Bytes of the scores of a case.
MAP = 4 * VOXELS


class Cases(Iterable):
    """Cases that are made at every pass, so that nothing but the evaluation keeps them."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        brain = np.ones(SHAPE, bool)
        for seed in range(self.n):
            scores = np.random.default_rng(seed).random(SHAPE, np.float32)
            lesion = np.zeros(SHAPE, bool)
            lesion[:8, :8, :8] = True
            yield Scored(f"{seed:03d}", scores, brain, lesion, (1.0, 1.0, 1.0), lesion_kind="ms")


@pytest.fixture
def small_batches(monkeypatch):
    """Negatives are counted in batches of about two cases."""
    count = two_pass.count_negatives
    monkeypatch.setattr(
        two_pass,
        "count_negatives",
        lambda volumes, **options: count(volumes, **{**options, "batch": 4 * VOXELS}),
    )


def growth(measured, fewer=6, more=18):
    """By how many bytes the peak of allocations is higher for each further case."""
    measured(fewer)  # what is made once is not counted
    peaks = []
    for n in (fewer, more):
        tracemalloc.start()
        measured(n)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return (peaks[1] - peaks[0]) / (more - fewer)


def test_a_further_case_takes_a_part_of_its_map_where_the_curves_are_counted(small_batches):
    metrics, rules = (AveragePrecision(), Dice(), Aupro30()), {"fixed": Threshold("fixed", 0.9)}
    evaluated = growth(lambda n: evaluate(Cases(n), metrics, rules, memory=MAP, sketches=True, curves=True))
    assert evaluated < MAP / 4


def test_thresholds_keep_no_map_of_tune_and_test_cases(small_batches):
    assert growth(lambda n: resolve(["tune", "tune_fpr05"], tune=Cases(n))) < MAP / 4
    assert growth(lambda n: resolve(["oracle_set"], test=Cases(n))) < MAP / 4
