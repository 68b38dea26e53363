"""Streamed curves equal the kept ones to the last bit, for any order, batch size and number of workers."""

from itertools import product

import numpy as np
import pytest

from tests.helpers.metric_oracles import draw
from uad_bench.errors import DataError, PluginError, UsageError
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.two_pass import SecondPass, Volume, stream


def volumes(seed, n=8):
    found = []
    for k in range(n):
        scores, lesion = draw(100 * seed + k)
        found.append(Volume(scores[lesion], scores[~lesion], missed=k))
    return [volume._replace(positives=volume.positives.astype(np.float32)) for volume in found]


def numbers(curve):
    points = curve.points
    table = [x.tobytes() for x in (points.thresholds, points.tp, points.fp, points.fp_above)]
    at = curve.counts_at(0.25), curve.counts_at(float("inf"))
    return table, curve.ap(), curve.auroc(), curve.best_dice(), at, curve.prevalence, curve.n_brain


def test_a_streamed_curve_has_the_bits_of_the_kept_one():
    for seed in range(150):
        parts = volumes(seed)
        kept = Curve.pool([Curve.from_split(*part) for part in parts])
        assert numbers(stream(parts, thresholds=(0.25, float("inf")))) == numbers(kept)


@pytest.mark.parametrize(("batch", "workers"), list(product([1, 30, 1 << 20], [1, 2, 4, 8])))
def test_order_batch_and_workers_change_no_bit(batch, workers):
    rng = np.random.default_rng(0)
    for seed in range(6):
        parts = volumes(seed)
        shuffled = [parts[i] for i in rng.permutation(len(parts))]
        streamed = stream(shuffled, thresholds=(0.25, float("inf")), batch=batch, workers=workers)
        assert numbers(streamed) == numbers(stream(parts, thresholds=(0.25, float("inf"))))


def test_blocks_of_the_search_meet(monkeypatch):
    monkeypatch.setattr("uad_bench.evaluate.curves.sorted_scores._BLOCK", 3)
    parts = volumes(7)
    kept = Curve.pool([Curve.from_split(*part) for part in parts])
    points, lesion = kept.points, np.concatenate([part.negatives for part in parts])
    assert points.fp.tolist() == [int(np.sum(lesion >= t)) for t in points.thresholds]


def test_scored_cases_stream(scored):
    cases = [scored(name) for name in "abc"]
    assert stream(cases).ap() == Curve.pool([Curve.of_case(case) for case in cases]).ap()


def test_a_threshold_that_was_not_requested_is_refused():
    with pytest.raises(UsageError, match=r"not counted at threshold 0\.5"):
        stream(volumes(0), thresholds=[0.25]).counts_at(0.5)


def test_an_iterator_is_refused():
    with pytest.raises(UsageError, match="only once"):
        stream(iter(volumes(0)))


def test_a_source_that_changes_is_refused():
    class Growing(list):
        def __iter__(self):
            self.append(Volume(np.ones(2, np.float32), np.ones(2, np.float32)))
            return super().__iter__()

    with pytest.raises(DataError, match="second pass"):
        stream(Growing())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_that_is_not_finite_is_refused(bad):
    fine, broken = np.ones(3, np.float32), np.array([0, bad, 1], np.float32)
    for volume in (Volume(fine, broken), Volume(broken, fine)):
        with pytest.raises(PluginError, match="NaN or infinite"):
            stream([volume], workers=2)


def test_an_empty_source_has_no_numbers():
    assert stream([]).ap() is stream([]).auroc() is None


def test_pools_of_the_same_cases_share_a_counter(scored):
    cases = [scored(name) for name in "abc"]
    members = {case.case_id: Curve.of_case(case) for case in cases}
    second = SecondPass({"all": members, "ms": members, "one": {"a": members["a"]}}, by_case=["ms"])
    second.run(cases)
    assert second._counters["all"] is second._counters["ms"]
    assert second.curve("ms").ap() == second.curve("all").ap() == Curve.pool(map(Curve.of_case, cases)).ap()
    assert second.curve("one").ap() == Curve.of_case(cases[0]).ap()
    assert set(second.at_edges["ms"]) == set("abc")


def test_the_counts_of_a_pool_are_dropped_with_its_curve(scored):
    cases = [scored(name) for name in "ab"]
    members = {case.case_id: Curve.of_case(case) for case in cases}
    second = SecondPass({"all": members, "ms": members, "one": {"a": members["a"]}})
    second.run(cases)
    assert second.finished("ms").ap() == Curve.pool(map(Curve.of_case, cases)).ap()
    assert set(second._counters) == {"one"} and len(second._shared) == 1
