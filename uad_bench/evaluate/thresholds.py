"""Threshold rules: where the operating point of a thresholded metric comes from.

    healthy_qNN   the NN % quantile of the in-brain scores of the healthy validation scans
    tune          best pooled Dice on labelled cases held out for this purpose
    oracle_set    best pooled Dice on the test cases themselves: a ceiling, not a result
    oracle_case   best Dice of each test case by itself: a higher ceiling

A threshold remembers the cases it was made from, and scoring refuses to test it on any of them unless it says
that it is an oracle. A voxel is anomalous where map >= threshold.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from uad_bench.errors import DataError, unknown_name
from uad_bench.evaluate.curve import Curve
from uad_bench.types import Scored

ORACLES = frozenset({"oracle_case", "oracle_set"})
_HEALTHY = re.compile(r"healthy_q(\d\d)")


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


def resolve(
    rules: Iterable[str],
    *,
    validation: Iterable[Scored] = (),
    tune: Iterable[Scored] = (),
    test: Iterable[Scored] = (),
) -> dict[str, Threshold]:
    """The threshold of every rule, from healthy validation scans, labelled tune cases and the test cases.

    Each collection is gone through once, and only where a rule asks for it.
    Raises UsageError for a name that is no rule.
    """
    names = list(dict.fromkeys(rules))
    percents = {name: percent for name in names if (percent := healthy_percent(name)) is not None}
    found = healthy_quantiles(percents, validation) if percents else {}
    if "tune" in names:
        found["tune"] = best_dice("tune", tune)
    if "oracle_set" in names:
        found["oracle_set"] = best_dice("oracle_set", test)
    if "oracle_case" in names:
        found["oracle_case"] = Threshold("oracle_case", None, oracle=True)
    return {name: found[name] for name in names}


def healthy_percent(rule: str) -> int | None:
    """98 for `healthy_q98`, None for the other rules. Raises UsageError for a name that is no rule."""
    if rule in ORACLES or rule == "tune":
        return None
    match = _HEALTHY.fullmatch(rule)
    if match is None:
        raise unknown_name(
            "threshold rule", rule, [*ORACLES, "tune", "healthy_q95", "healthy_q98", "healthy_q99"]
        )
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


def best_dice(rule: str, cases: Iterable[Scored]) -> Threshold:
    """The threshold with the best Dice over all voxels of the lesion cases (healthy scans are left out)."""
    curves = {scored.case_id: Curve.of_case(scored) for scored in cases if not scored.healthy}
    case_ids, oracle = tuple(sorted(curves)), rule in ORACLES
    best = Curve.pool(curves.values()).best_dice()
    if best is None:
        reason = "no_positive" if curves else ("no_tune" if rule == "tune" else "no_threshold")
        return Threshold(rule, None, case_ids, oracle, reason)
    return Threshold(rule, best[1], case_ids, oracle)


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
