"""Threshold rules: from which cases the operating threshold of a thresholded metric is derived.

    healthy_qNN    the NN % quantile of the brain scores of the healthy validation scans, pooled
    tune           the threshold with the largest pooled Dice on labelled tune cases
    tune_fprNN     the lowest threshold at which at most NN % of the non-lesion brain voxels of the tune cases, pooled,
                   are called anomalous: a fixed false-positive rate
    oracle_set     the threshold with the largest pooled Dice on the test cases: best possible, not a result
    oracle_case    the threshold with the largest Dice of each test case: best possible for each case
    oracle_fprNN   as tune_fprNN, on the test cases ("Dice at 5 % FPR" of some papers)

Rules on tune and test cases use the lesion cases with a brain only, as pools do. Without a lesion voxel in a brain
there is no threshold, for the reason `no_positive`. The name of a rule that uses labels of test cases begins with
"oracle". Where more than NN % of the voxels have the highest score, the threshold of tune_fprNN is above it, and no
voxel is called anomalous.

A threshold stores the ids of the cases from which it was derived; scoring raises an error for a test case among them,
unless the rule is an oracle. Its digest identifies rule, cases and value. A voxel is called anomalous where
map >= threshold.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from uad_bench.errors import DataError, unknown_name
from uad_bench.evaluate.curves.curve import Curve, split
from uad_bench.evaluate.curves.quantile_search import RateThresholds
from uad_bench.evaluate.curves.sorted_scores import rank_of_quantile, refuse_nonfinite
from uad_bench.evaluate.curves.two_pass import stream
from uad_bench.types import Scored

_BY_DICE = ("oracle_case", "oracle_set", "tune")
_HEALTHY = re.compile(r"healthy_q(\d\d)")
_FPR = re.compile(r"(tune|oracle)_fpr(\d\d)")
#: Suggested for an unknown rule; NN may be any two digits.
KNOWN = (*_BY_DICE, "healthy_q95", "healthy_q98", "healthy_q99", "tune_fpr01", "tune_fpr05", "oracle_fpr05")


@dataclass(frozen=True)
class Threshold:
    """The operating threshold of a rule.

    value: in the units of the map; None where the rule gave none, for `reason`, and for oracle_case, which has one for
    each case. case_ids: the cases from which it was derived, sorted. oracle: derived from lesions of test cases.

    >>> Threshold("tune", 0.5, ("b", "a")).digest == Threshold("tune", 0.5, ("a", "b")).digest
    True
    """

    rule: str
    value: float | None
    case_ids: tuple[str, ...] = ()
    oracle: bool = False
    reason: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the rule, the sorted ids and the value, 64 hexadecimal digits."""
        content = {"rule": self.rule, "case_ids": sorted(self.case_ids), "value": self.value}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def resolve(
    rules: Iterable[str],
    *,
    validation: Iterable[Scored] = (),
    tune: Iterable[Scored] = (),
    test: Iterable[Scored] = (),
) -> dict[str, Threshold]:
    """The threshold of every rule, from healthy validation scans, labelled tune cases and the test cases.

    Each collection is read a few times, and only where a rule needs it. Raises UsageError for a name that is no rule.

    >>> full, none = np.ones((1, 1, 4), bool), np.zeros((1, 1, 4), bool)
    >>> scan = Scored("h", np.arange(4, dtype=np.float32).reshape(1, 1, 4), full, none, (1.0, 1.0, 1.0), healthy=True)
    >>> resolve(["healthy_q50", "tune"], validation=[scan])
    {'healthy_q50': Threshold(rule='healthy_q50', value=2.0, case_ids=('h',), oracle=False, reason=''), \
'tune': Threshold(rule='tune', value=None, case_ids=(), oracle=False, reason='no_tune')}
    """
    names = list(dict.fromkeys(rules))
    percents = {name: percent for name in names if (percent := healthy_percent(name)) is not None}
    found = healthy_quantiles(percents, validation) if percents else {}
    found |= by_curves([name for name in names if re.match("tune", name)], tune)
    found |= by_curves([name for name in names if re.match("oracle_(set|fpr)", name)], test)
    if "oracle_case" in names:
        found["oracle_case"] = Threshold("oracle_case", None, oracle=True)
    return {name: found[name] for name in names}


def healthy_percent(rule: str) -> int | None:
    """The percentage of a healthy quantile, None for other rules. Raises UsageError for a name that is no rule.

    >>> healthy_percent("healthy_q98"), healthy_percent("tune")
    (98, None)
    """
    if rule in _BY_DICE or _FPR.fullmatch(rule):
        return None
    match = _HEALTHY.fullmatch(rule)
    if match is None:
        hint = "healthy_qNN, tune_fprNN and oracle_fprNN need two digits, a percentage"
        raise unknown_name("threshold rule", rule, KNOWN, hint=hint)
    return int(match[1])


def meaning(rule: str) -> str:
    """Which threshold a rule takes, in words that follow "the threshold is".

    >>> meaning("healthy_q98")
    'the 98 % quantile of the scores of the healthy validation scans'
    """
    if found := _HEALTHY.fullmatch(rule):
        return f"the {int(found[1])} % quantile of the scores of the healthy validation scans"
    if found := _FPR.fullmatch(rule):
        scans = "test" if found[1] == "oracle" else "tune"
        return f"the lowest that calls at most {int(found[2])} % of the {scans} cases' non-lesion voxels anomalous"
    of = {"tune": "the labelled tune cases, pooled", "oracle_set": "the test cases, pooled"}
    of["oracle_case"] = "each test case"
    return f"the one with the largest Dice on {of[rule]}" if rule in of else ""


def healthy_quantiles(percents: Mapping[str, int], scans: Iterable[Scored]) -> dict[str, Threshold]:
    """The quantiles of all brain scores of the healthy scans, pooled; between two scores, the higher one.

    percents: the percentage of each rule, by name. Cases that are not healthy are left out. Raises PluginError for a
    score that is not finite.
    """
    scores = {scored.case_id: scored.map[scored.brain_mask] for scored in scans if scored.healthy}
    case_ids = tuple(sorted(scores))
    pool = np.concatenate([np.empty(0, np.float32), *scores.values()])
    if not pool.size:
        return {rule: Threshold(rule, None, case_ids, reason="no_threshold") for rule in percents}
    refuse_nonfinite(np.array([pool.min(), pool.max()]))
    ranks = {rule: rank_of_quantile(pool.size, percent) for rule, percent in percents.items()}
    pool.partition(sorted(set(ranks.values())))
    return {rule: Threshold(rule, float(pool[rank]), case_ids) for rule, rank in ranks.items()}


def by_curves(rules: Sequence[str], cases: Iterable[Scored]) -> dict[str, Threshold]:
    """The thresholds of rules that use labels, from the lesion cases with a brain among `cases`.

    Only the scores of lesion voxels are kept, unless `cases` is an iterator; the cases are then read twice, for float64
    maps four times.
    """
    if not rules:
        return {}
    lesion = _LesionCases(cases)
    percents = {int(match[2]) for rule in rules if (match := _FPR.fullmatch(rule))}
    make = _kept if iter(cases) is cases else _streamed
    pool, at_rate = make(lesion, percents, any(rule in _BY_DICE for rule in rules))
    return {rule: _by_curve(rule, pool, at_rate, tuple(sorted(lesion.case_ids))) for rule in rules}


AtRate = Mapping[int, float | None]


def _kept(lesion: "_LesionCases", percents: Iterable[int], by_dice: bool) -> tuple[Curve, AtRate]:
    """The pooled curve and the threshold of each rate, in one pass that keeps all scores."""
    pool = Curve.pool([Curve.of_case(scored) for scored in lesion])
    return pool, {percent: lowest_at_rate(pool, percent) for percent in percents}


def _streamed(lesion: "_LesionCases", percents: Iterable[int], by_dice: bool) -> tuple[Curve, AtRate]:
    """The same without keeping the negatives; the curve is empty where no rule needs a Dice."""
    lesion.rates = RateThresholds(percents)
    pool = stream(lesion) if by_dice else Curve.pool([])
    while not lesion.rates.done:
        for _ in lesion:
            pass
    return pool, {percent: lesion.rates.threshold(percent) for percent in percents}


class _LesionCases:
    """The lesion cases with a brain, as pools have them; can be read again.

    case_ids: those read so far. rates: gets the negatives in every pass.
    """

    def __init__(self, cases: Iterable[Scored]) -> None:
        self._cases = cases
        self.case_ids: set[str] = set()
        self.rates = RateThresholds(())

    def __iter__(self) -> Iterator[Scored]:
        for scored in self._cases:
            if not scored.healthy and scored.brain_mask.any():
                self.case_ids.add(scored.case_id)
                if not self.rates.done:
                    self.rates.add(split(scored)[1])
                yield scored
        self.rates.end_pass()


def _by_curve(rule: str, pool: Curve, at_rate: AtRate, case_ids: tuple[str, ...]) -> Threshold:
    oracle, rate = rule.startswith("oracle"), _FPR.fullmatch(rule)
    if not case_ids:
        return Threshold(rule, None, case_ids, oracle, "no_threshold" if oracle else "no_tune")
    if rate:
        value, reason = at_rate[int(rate[2])], "no_negative"
    else:
        best = pool.best_dice()
        value, reason = best[1] if best else None, "no_positive"
    if value is None or math.isinf(value):
        return Threshold(rule, None, case_ids, oracle, reason)
    return Threshold(rule, value, case_ids, oracle)


def lowest_at_rate(curve: Curve, percent: int) -> float | None:
    """The lowest threshold at which at most `percent` % of the negatives are called; None without a negative.

    Exact, by bisection over all floats of the maps' precision, from a curve that keeps its negatives
    (`quantile_search` needs none). The negatives are not copied.

    >>> curve = Curve.from_split(np.float32([]), np.float32([1, 2, 3, 4]))
    >>> round(lowest_at_rate(curve, 25), 5)  # just above 3
    3.0
    """
    if not curve.n_negative:
        return None
    allowed = percent * curve.n_negative // 100
    width = np.result_type(*curve.negatives).itemsize
    high = int(np.array(np.inf, f"f{width}").view(f"i{width}"))
    low = -high
    while low < high:
        middle = (low + high) // 2
        few_enough = curve.counts_at(_float_at(middle, width))[1] <= allowed
        low, high = (low, middle) if few_enough else (middle + 1, high)
    return _float_at(low, width)


def _float_at(rank: int, width: int) -> float:
    """The float of a rank among all floats of a width in bytes, 0.0 at rank 0: as integers, floats are in order."""
    magnitude = float(np.array(abs(rank), f"i{width}").view(f"f{width}"))
    return magnitude if rank >= 0 else -magnitude


def refuse_leaks(thresholds: Iterable[Threshold], test_ids: Sequence[str]) -> None:
    """Raise DataError where a threshold that is no oracle was derived from a test case.

    Ids are compared as they are: where two datasets share ids, add the name of the dataset to them first.
    """
    tested = set(test_ids)
    for threshold in thresholds:
        shared = sorted(tested.intersection(threshold.case_ids))
        if shared and not threshold.oracle:
            raise DataError(
                f"threshold {threshold.rule!r} was derived from {len(shared)} of the test cases",
                where=", ".join(shared),
                hint="validation and tune cases must not be in the test split",
            )
