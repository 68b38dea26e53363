"""Threshold rules: their values, the cases they are derived from, and the refusal of a leak."""

from dataclasses import replace

import numpy as np
import pytest

from uad_bench.errors import DataError, PluginError, UsageError
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metrics.voxel import Dice
from uad_bench.evaluate.thresholds import (
    KNOWN,
    Threshold,
    healthy_percent,
    meaning,
    refuse_leaks,
    resolve,
)


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


def test_every_percentage_hits_its_rank_where_the_share_is_no_float(scored):
    case, shape = scored("h", healthy=True), (1, 1, 101)
    ranks, full = np.arange(101, dtype=np.float32).reshape(shape), np.ones(shape, bool)
    scan = replace(case, map=ranks, brain_mask=full, lesion_mask=~full)
    found = resolve([f"healthy_q{percent:02d}" for percent in range(100)], validation=[scan])
    assert [one.value for one in found.values()] == list(range(100))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_healthy_score_that_is_not_finite_is_refused(scored, bad):
    scan = scored("h", healthy=True)
    scan = replace(scan, map=np.where(scan.map == scan.map[scan.brain_mask][0], np.float32(bad), scan.map))
    with pytest.raises(PluginError, match="NaN or infinite"):
        resolve(["healthy_q50"], validation=[scan])


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


def test_rules_without_cases_give_a_reason():
    found = resolve(["healthy_q98", "tune", "oracle_set", "oracle_case"])
    assert [t.value for t in found.values()] == [None] * 4
    assert [t.reason for t in found.values()] == ["no_threshold", "no_tune", "no_threshold", ""]


def test_a_tune_set_without_lesion_voxels_has_no_threshold(scored):
    found = resolve(["tune"], tune=[scored("a", lesion_voxels=0)])["tune"]
    assert (found.value, found.reason) == (None, "no_positive")


def test_collections_that_no_rule_needs_are_not_read():
    def untouchable():
        raise AssertionError("was read")
        yield

    assert resolve(["oracle_case"], validation=untouchable(), tune=untouchable(), test=untouchable())


def test_a_threshold_derived_from_test_cases_is_refused_by_name():
    seen = Threshold("tune", 0.5, ("a", "b", "c"))
    with pytest.raises(DataError, match=r"'tune'.*2 of the test cases \(b, c\)") as error:
        refuse_leaks([seen], ["c", "b", "z"])
    assert error.value.exit_code == 3
    refuse_leaks([seen], ["z"])
    refuse_leaks([Threshold("oracle_set", 0.5, ("a",), oracle=True)], ["a"])


@pytest.mark.parametrize("percent", [0, 1, 5, 50, 99])
@pytest.mark.parametrize(("prefix", "role"), [("tune", "tune"), ("oracle", "test")])
def test_a_fixed_false_positive_rate_is_kept_by_the_lowest_threshold_that_can(scored, prefix, role, percent):
    rule = f"{prefix}_fpr{percent:02d}"
    cases = [scored(f"l{k}", shift=-1) for k in range(4)]
    found = resolve([rule], **{role: [*cases, scored("h", healthy=True, shift=50)]})[rule]
    scores, lesion, _ = pooled(cases)
    others = scores[~lesion]
    allowed = percent * others.size // 100
    assert np.sum(others >= found.value) == allowed
    assert np.sum(others >= np.nextafter(np.float32(found.value), np.float32(-np.inf))) > allowed
    assert (found.oracle, found.case_ids) == (prefix == "oracle", ("l0", "l1", "l2", "l3"))


@pytest.mark.parametrize("level", [0.0, -0.0, -3.5, 1e-42, 3e38])
def test_equal_scores_are_all_called_or_none(scored, level):
    one = scored("a")
    flat = replace(one, map=np.full_like(one.map, level))
    found = resolve(["tune_fpr05"], tune=[flat])["tune_fpr05"].value
    assert found == np.nextafter(np.float32(level), np.float32(np.inf))


def test_rates_and_dice_of_an_iterator_come_from_one_pass(scored):
    found = resolve(
        ["tune_fpr05", "tune", "oracle_set", "oracle_fpr10"],
        tune=iter([scored("a")]),
        test=iter([scored("b")]),
    )
    assert [t.value is None for t in found.values()] == [False] * 4
    assert found["tune"] == resolve(["tune"], tune=[scored("a")])["tune"]


def test_rates_without_a_threshold_give_a_reason(scored):
    one = scored("a")
    nothing_else = replace(one, lesion_mask=np.ones_like(one.lesion_mask))
    found = resolve(["tune_fpr05", "oracle_fpr05"], tune=[nothing_else])
    assert [t.reason for t in found.values()] == ["no_negative", "no_threshold"]
    assert resolve(["tune_fpr05"])["tune_fpr05"].reason == "no_tune"


@pytest.mark.parametrize("scale", [lambda x: x, lambda x: x + 10000, lambda x: -1e-40 * np.exp(x)])
def test_a_rate_in_several_passes_is_that_of_an_iterator(scored, scale):
    cases = [replace(c, map=scale(c.map).astype(np.float32)) for c in map(scored, "abc")]
    rules = ["oracle_fpr05", "oracle_set", "oracle_fpr50"]
    assert resolve(rules, test=cases) == resolve(rules, test=iter(cases))
    assert resolve(rules[:1], test=cases)["oracle_fpr05"] == resolve(rules, test=cases)["oracle_fpr05"]


def test_a_rate_reads_float32_maps_twice(scored):
    class Cases(list):
        passes = -1  # one to see whether it is an iterator

        def __iter__(self):
            self.passes += 1
            return super().__iter__()

    for rules in (["tune_fpr05"], ["tune_fpr05", "tune"]):
        cases = Cases([scored("a"), scored("b")])
        resolve(rules, tune=cases)
        assert cases.passes == 2


@pytest.mark.parametrize("once", [iter, list])
def test_a_case_without_a_brain_does_not_move_a_threshold(scored, once):
    cases = [scored(f"l{k}", shift=-9) for k in range(3)]
    without = replace(scored("e", brain=False), lost=10_000)
    rules = ["oracle_set", "oracle_fpr05"]
    found = resolve(rules, test=once([*cases, without]))
    assert found == resolve(rules, test=cases)
    rows = evaluate([*cases, without], [Dice()], found).set_rows
    best = {row.metric: row.value for row in rows}["dice.pooled@oracle_set"]
    assert best == Curve.pool([Curve.of_case(case) for case in cases]).best_dice()[0]


@pytest.mark.parametrize("once", [iter, list])
def test_lesions_outside_the_brain_give_no_threshold(scored, once):
    one = scored("a")
    outside = replace(one, brain_mask=one.brain_mask & ~one.lesion_mask)
    found = resolve(["tune"], tune=once([outside]))["tune"]
    assert (found.value, found.reason) == (None, "no_positive")


def test_a_digest_depends_on_rule_cases_and_value():
    digests = [
        Threshold(*made).digest
        for made in (("tune", 0.5, ("a", "b")), ("tune_fpr05", 0.5, ("a", "b")), ("tune", 0.5, ("a",)),
                     ("tune", 0.25, ("a", "b")), ("tune", None, ("a", "b")))
    ]  # fmt: skip
    assert len(set(digests)) == 5
    assert Threshold("tune", 0.5, ("b", "a")).digest == digests[0]
    assert len(digests[0]) == 64


@pytest.mark.parametrize(
    "name", ["healthy_98", "healthy_q9", "healthy_q980", "oracle", "tuned", "tune_fpr5", "healthy_fpr05"]
)
def test_an_unknown_rule_is_refused_with_the_nearest_name(name):
    with pytest.raises(UsageError, match="unknown threshold rule") as error:
        healthy_percent(name)
    assert "tune_fprNN" in error.value.hint


def test_every_rule_has_a_meaning_and_other_words_have_none():
    assert len({meaning(rule) for rule in KNOWN} - {""}) == len(KNOWN)
    assert "test cases" in meaning("oracle_fpr05") and "5 % of the tune cases' non-lesion voxels" in meaning(
        "tune_fpr05"
    )
    for rule in ("tune", "oracle_set", "oracle_case"):
        assert meaning(rule).startswith("the one with the largest Dice on ")  # a threshold, not a Dice
    assert meaning("") == meaning("max") == ""
