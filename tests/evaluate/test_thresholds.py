"""Threshold rules: their values, what they have seen, and the refusal of a leak."""

import numpy as np
import pytest

from uad_bench.errors import DataError, UsageError
from uad_bench.evaluate.thresholds import Threshold, healthy_percent, refuse_leaks, resolve


def pooled(cases):
    scores = np.concatenate([c.map[c.brain_mask] for c in cases])
    lesion = np.concatenate([c.lesion_mask[c.brain_mask] for c in cases])
    return scores, lesion, sum(int(np.sum(c.lesion_mask & ~c.brain_mask)) for c in cases)


@pytest.mark.parametrize("percent", [1, 50, 95, 98, 99])
def test_a_healthy_quantile_is_the_next_score_above_among_all_voxels(scored, percent):
    scans = [scored(f"h{k}", healthy=True) for k in range(5)]
    rule = f"healthy_q{percent:02d}"
    found = resolve([rule], validation=scans)[rule]
    ranks = np.sort(pooled(scans)[0])
    assert found.value == ranks[-(-percent * (ranks.size - 1) // 100)]
    assert found.case_ids == ("h0", "h1", "h2", "h3", "h4")
    assert not found.oracle


def test_a_quantile_of_millions_of_voxels_hits_its_rank(scored):
    case = scored("h", healthy=True)
    n = (1 << 24) + 12_345
    scores = (np.arange(n, 0, -1, dtype=np.uint32) + 0x3F000000).view(
        np.float32
    )  # n neighbours of one another
    big = type(case)("h", scores, np.ones(n, bool), np.zeros(n, bool), case.spacing, healthy=True)
    found = resolve(["healthy_q99"], validation=[big])["healthy_q99"]
    assert found.value == np.sort(scores)[-(-99 * (n - 1) // 100)]


def test_lesion_cases_do_not_move_a_healthy_quantile(scored):
    scans = [scored("h", healthy=True)]
    tainted = [*scans, scored("l", shift=50)]
    assert resolve(["healthy_q98"], validation=tainted) == resolve(["healthy_q98"], validation=scans)


@pytest.mark.parametrize(("rule", "role"), [("tune", "tune"), ("oracle_set", "test")])
def test_set_thresholds_have_the_best_pooled_dice(scored, rule, role):
    cases = [scored(f"l{k}", shift=-9) for k in range(4)]
    found = resolve([rule], **{role: [*cases, scored("h", healthy=True, shift=50)]})[rule]
    scores, lesion, missed = pooled(cases)

    def dice(t):
        return 2 * np.sum((scores >= t) & lesion) / (np.sum(scores >= t) + lesion.sum() + missed)

    assert dice(found.value) == max(dice(t) for t in scores)
    assert found.case_ids == ("l0", "l1", "l2", "l3")
    assert found.oracle == (rule == "oracle_set")


def test_rules_without_cases_say_why():
    found = resolve(["healthy_q98", "tune", "oracle_set", "oracle_case"])
    assert [t.value for t in found.values()] == [None] * 4
    assert [t.reason for t in found.values()] == ["no_threshold", "no_tune", "no_threshold", ""]


def test_a_tune_set_without_lesion_voxels_has_no_threshold(scored):
    found = resolve(["tune"], tune=[scored("a", lesion_voxels=0)])["tune"]
    assert (found.value, found.reason) == (None, "no_positive")


def test_collections_no_rule_asks_for_are_not_touched():
    def untouchable():
        raise AssertionError("was read")
        yield

    assert resolve(["oracle_case"], validation=untouchable(), tune=untouchable(), test=untouchable())


def test_a_threshold_made_from_test_cases_is_refused_by_name():
    seen = Threshold("tune", 0.5, ("a", "b", "c"))
    with pytest.raises(DataError, match=r"'tune'.*2 of the test cases \(b, c\)") as error:
        refuse_leaks([seen], ["c", "b", "z"])
    assert error.value.exit_code == 3
    refuse_leaks([seen], ["z"])
    refuse_leaks([Threshold("oracle_set", 0.5, ("a",), oracle=True)], ["a"])


@pytest.mark.parametrize("name", ["healthy_98", "healthy_q9", "healthy_q980", "oracle", "tuned"])
def test_an_unknown_rule_is_told_with_the_nearest(name):
    with pytest.raises(UsageError, match="unknown threshold rule"):
        healthy_percent(name)
