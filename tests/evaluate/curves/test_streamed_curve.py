"""Negatives counted in batches: the counter, the sets of volumes, threads, and errors in a worker."""

from functools import partial

import numpy as np
import pytest

from tests.helpers.metric_oracles import draw
from uad_bench.errors import PluginError, UsageError
from uad_bench.evaluate.curves import streamed_curve
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.streamed_curve import NegativeCounter, VolumeNegatives, count_negatives

POSITIVES = np.array([-1, 0, 0, 0.5, 2], np.float32)


def positives_alone(positives=POSITIVES, missed=1):
    return Curve.from_split(positives, np.zeros(0, np.float32), missed)


def negatives(n=6):
    """The unsorted negatives of n volumes."""
    return [draw(seed)[0].astype(np.float32).clip(-9, 9) for seed in range(n)]


def table(curve):
    points = curve.points
    return [x.tolist() for x in (points.thresholds, points.tp, points.fp, points.fp_above)]


@pytest.mark.parametrize("part", [1, 2, 1 << 20])
def test_a_counter_gives_the_curve_of_all_that_was_added(monkeypatch, part):
    monkeypatch.setattr(streamed_curve, "_PART", part)
    counter = NegativeCounter(positives_alone(), thresholds=[0.25])
    for run in negatives():
        counter.add(np.sort(run))
    found = counter.curve()
    expected = Curve(POSITIVES, tuple(map(np.sort, negatives())), missed=1)
    assert table(found) == table(expected)
    assert (found.n_negative, found.n_positive) == (expected.n_negative, 6)
    assert found.counts_at(0.25) == expected.counts_at(0.25)


def test_a_curve_can_be_taken_before_the_last_batch():
    counter = NegativeCounter(positives_alone(), thresholds=[0.0])
    counter.add(np.array([1], np.float32))
    first = counter.curve()
    counter.add(np.array([3], np.float32))
    assert first.counts_at(0.0)[1] == first.n_negative == 1
    assert counter.curve().counts_at(0.0)[1] == counter.curve().n_negative == 2


def test_counts_become_64_bits_wide_after_2_to_the_32_negatives():
    counter = NegativeCounter(positives_alone())
    counter._n = (1 << 32) - 1
    counter.add(np.array([1], np.float32))
    assert counter._below.dtype == counter._up_to.dtype == np.uint64


def test_a_threshold_that_was_not_requested_is_refused():
    with pytest.raises(UsageError, match=r"not counted at threshold 0\.5"):
        NegativeCounter(positives_alone(), thresholds=[0.25]).curve().counts_at(0.5)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch", [1, 40, 1 << 20])
def test_each_counter_counts_its_own_volumes(batch, workers):
    all_, even = NegativeCounter(positives_alone()), NegativeCounter(positives_alone())
    volumes = [
        VolumeNegatives(run, (all_, even) if k % 2 == 0 else (all_,)) for k, run in enumerate(negatives())
    ]
    count_negatives(volumes, batch=batch, workers=workers, overlapping=True)
    assert table(all_.curve()) == table(Curve(POSITIVES, tuple(map(np.sort, negatives())), missed=1))
    assert table(even.curve()) == table(Curve(POSITIVES, tuple(map(np.sort, negatives()[::2])), missed=1))


def test_the_sorted_scores_of_a_volume_alone_are_passed_on():
    found = {}
    volumes = [
        VolumeNegatives(run, (NegativeCounter(positives_alone()),), partial(found.__setitem__, k))
        for k, run in enumerate(negatives())
    ]
    count_negatives(volumes)
    assert {k: run.tolist() for k, run in found.items()} == {
        k: sorted(run.tolist()) for k, run in enumerate(negatives())
    }


def test_an_error_in_a_worker_is_raised():
    volumes = [VolumeNegatives(np.array([0, np.nan], np.float32), (NegativeCounter(positives_alone()),))]
    with pytest.raises(PluginError, match="NaN or infinite"):
        count_negatives(volumes, workers=2)


def test_no_volume_is_no_count():
    count_negatives([])
    assert NegativeCounter(positives_alone()).curve().auroc() is None
