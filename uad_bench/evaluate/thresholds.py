"""Threshold rules: where the operating point of a thresholded metric comes from.

    healthy_qNN    the NN % quantile of the in-brain scores of the healthy validation scans
    tune           best pooled Dice on labelled cases held out for this purpose
    tune_fprNN     the lowest threshold at which at most NN % of the non-lesion brain voxels of those cases, pooled,
                   are called anomalous: a fixed false positive rate
    oracle_set     best pooled Dice on the test cases themselves: a ceiling, not a result
    oracle_case    best Dice of each test case by itself: a higher ceiling
    oracle_fprNN   as tune_fprNN, on the test cases themselves ("Dice at 5 % FPR" of some papers)

Rules of tune and test cases see the lesion cases among them only, and of these the ones with a brain, as pools do.
There is no threshold, and the reason `no_positive`, where no lesion voxel lies in a brain. Whatever looks at labels of
the test begins with "oracle". Where more than NN % of the voxels share the highest score, tune_fprNN lies above it, and
nothing is called.

A threshold remembers the cases it was made from, and scoring refuses to test it on any of them unless it says
that it is an oracle. Its digest tells whether two runs used the same rule, cases and value. A voxel is anomalous
where map >= threshold.
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
from uad_bench.evaluate.curves.quantile_search import Rates
from uad_bench.evaluate.curves.two_pass import stream
from uad_bench.types import Scored

_BY_DICE = ("oracle_case", "oracle_set", "tune")
_HEALTHY = re.compile(r"healthy_q(\d\d)")
_FPR = re.compile(r"(tune|oracle)_fpr(\d\d)")
#: Shown to whoever asks for a rule that is none; NN may be any two digits.
KNOWN = (*_BY_DICE, "healthy_q95", "healthy_q98", "healthy_q99", "tune_fpr01", "tune_fpr05", "oracle_fpr05")


@dataclass(frozen=True)
class Threshold:
    """The operating point that a rule gave.

    value: in the map's own units; None where the rule gave none (`reason` says why) and for oracle_case,
    which has one for each case. case_ids: the cases it was made from, sorted. oracle: it looked at the test's
    lesions.
    """

    rule: str
    value: float | None
    case_ids: tuple[str, ...] = ()
    oracle: bool = False
    reason: str = ""

    @property
    def digest(self) -> str:
        """64 hex digits: SHA-256 of the rule, the sorted ids and the value."""
        made_of = {"rule": self.rule, "case_ids": sorted(self.case_ids), "value": self.value}
        return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def resolve(
    rules: Iterable[str],
    *,
    validation: Iterable[Scored] = (),
    tune: Iterable[Scored] = (),
    test: Iterable[Scored] = (),
) -> dict[str, Threshold]:
    """The threshold of every rule, from healthy validation scans, labelled tune cases and the test cases.

    Each collection is gone through a few times, and only where a rule asks for it.
    Raises UsageError for a name that is no rule.
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
    """98 for `healthy_q98`, None for the other rules. Raises UsageError for a name that is no rule."""
    if rule in _BY_DICE or _FPR.fullmatch(rule):
        return None
    match = _HEALTHY.fullmatch(rule)
    if match is None:
        hint = "healthy_qNN, tune_fprNN and oracle_fprNN take two digits, per cent"
        raise unknown_name("threshold rule", rule, KNOWN, hint=hint)
    return int(match[1])


def healthy_quantiles(percents: Mapping[str, int], scans: Iterable[Scored]) -> dict[str, Threshold]:
    """Each rule's quantile of all in-brain scores of healthy scans, pooled: the next score above ("higher").

    `percents` maps the rule's name to its per cent. Cases with a lesion are left out.
    """
    scores = {scored.case_id: scored.map[scored.brain_mask] for scored in scans if scored.healthy}
    case_ids = tuple(sorted(scores))
    pool = np.concatenate([np.empty(0, np.float32), *scores.values()])
    if not pool.size:
        return {rule: Threshold(rule, None, case_ids, reason="no_threshold") for rule in percents}
    shares = np.array(list(percents.values())) / 100
    values = np.quantile(pool, shares, method="higher", overwrite_input=True)
    return {rule: Threshold(rule, float(v), case_ids) for rule, v in zip(percents, values, strict=True)}


def by_curves(rules: Sequence[str], cases: Iterable[Scored]) -> dict[str, Threshold]:
    """The thresholds of rules that look at labels, from the lesion cases with a brain among `cases`.

    Nothing but the positives is kept where `cases` can be gone through again: twice, four times for float64 maps.
    """
    if not rules:
        return {}
    lesion = _Lesion(cases)
    percents = {int(match[2]) for rule in rules if (match := _FPR.fullmatch(rule))}
    made = _kept if iter(cases) is cases else _streamed
    pool, at_rate = made(lesion, percents, any(rule in _BY_DICE for rule in rules))
    return {rule: _by_curve(rule, pool, at_rate, tuple(sorted(lesion.case_ids))) for rule in rules}


AtRate = Mapping[int, float | None]


def _kept(lesion: "_Lesion", percents: Iterable[int], by_dice: bool) -> tuple[Curve, AtRate]:
    """The pooled curve, and the threshold of each rate, in one pass that keeps all voxels."""
    pool = Curve.pool([Curve.of_case(scored) for scored in lesion])
    return pool, {percent: lowest_at_rate(pool, percent) for percent in percents}


def _streamed(lesion: "_Lesion", percents: Iterable[int], by_dice: bool) -> tuple[Curve, AtRate]:
    """The same; without its points where no rule is made by Dice."""
    lesion.rates = Rates(percents)
    pool = stream(lesion) if by_dice else Curve.pool([])
    while not lesion.rates.done:
        for _ in lesion:
            pass
    return pool, {percent: lesion.rates.threshold(percent) for percent in percents}


class _Lesion:
    """The lesion cases with a brain among others, as the groups of an evaluation pool them; re-iterable.

    case_ids: those that it has met; rates: is shown the negatives of every pass.
    """

    def __init__(self, cases: Iterable[Scored]) -> None:
        self._cases = cases
        self.case_ids: set[str] = set()
        self.rates = Rates(())

    def __iter__(self) -> Iterator[Scored]:
        for scored in self._cases:
            if not scored.healthy and scored.brain_mask.any():
                self.case_ids.add(scored.case_id)
                if not self.rates.done:
                    self.rates.see(split(scored)[1])
                yield scored
        self.rates.turn()


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
    """The lowest threshold that calls at most `percent` % of the negatives; None without a negative.

    Exact, of negatives that are all at hand (`rates` does without), and without a copy of them: a bisection over all
    floats of the maps' width.
    """
    if not curve.n_negative:
        return None
    allowed = percent * curve.n_negative // 100
    width = np.result_type(*curve.negatives).itemsize
    high = int(np.array(np.inf, f"f{width}").view(f"i{width}"))
    low = -high
    while low < high:
        middle = (low + high) // 2
        enough = curve.counts_at(_float_at(middle, width))[1] <= allowed
        low, high = (low, middle) if enough else (middle + 1, high)
    return _float_at(low, width)


def _float_at(rank: int, width: int) -> float:
    """The float of a rank among all floats of a width in bytes, 0 at rank 0: read as integers they are in order."""
    magnitude = float(np.array(abs(rank), f"i{width}").view(f"f{width}"))
    return magnitude if rank >= 0 else -magnitude


def refuse_leaks(thresholds: Iterable[Threshold], test_ids: Sequence[str]) -> None:
    """Raise DataError where a threshold that is no oracle was made from cases of the test set.

    Ids are compared as they are: where two datasets share ids, make them different first.
    """
    tested = set(test_ids)
    for threshold in thresholds:
        shared = sorted(tested.intersection(threshold.case_ids))
        if shared and not threshold.oracle:
            raise DataError(
                f"threshold {threshold.rule!r} was made from {len(shared)} of the test cases",
                where=", ".join(shared),
                hint="keep validation and tune cases out of the test split",
            )
