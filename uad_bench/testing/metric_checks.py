"""The promises of a metric, one check each. A check raises an error that names the usual fix."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np

from uad_bench import plugins
from uad_bench.evaluate.metric import Metric
from uad_bench.testing.candidate import NotChecked, broken
from uad_bench.testing.metric_candidate import THRESHOLD, MetricCandidate, problem
from uad_bench.testing.process_state import (
    changed_settings,
    process_state,
    refuse_changes,
    with_other_random_state,
)
from uad_bench.testing.toy_cases import LEVELS, with_scores, without_brain, without_lesion
from uad_bench.types import Scored, Value

TOLERANCE = 1e-9  # between two orders of summation
POPULATIONS = ("lesion", "healthy", "both")
FLAGS = ("higher_is_better", "oracle", "per_rule", "per_stage")


def check_declaration(candidate: MetricCandidate) -> None:
    """The class declares its name, a summary, its population and its flags, and is made without arguments."""
    cls, name = candidate.cls, getattr(candidate.cls, "name", "")
    if not isinstance(name, str) or not plugins.METRIC_NAME.fullmatch(name):
        expected = f"a name like {plugins.METRIC_NAME.pattern}"
        raise broken(candidate.name, expected, repr(name), "set the class attribute `name`")
    if ("metric", candidate.name) in plugins.catalogue().entries and name != candidate.name:
        raise broken(
            candidate.name, "one name", f"the class attribute {name!r}", "register it under this name"
        )
    if not str(cls.summary).strip() or "\n" in cls.summary:
        raise broken(
            candidate.name, "a summary of one line", repr(cls.summary), "set the class attribute `summary`"
        )
    if cls.population not in POPULATIONS:
        expected = f"a population among {', '.join(POPULATIONS)}"
        raise broken(
            candidate.name, expected, repr(cls.population), "correct the class attribute `population`"
        )
    wrong = [flag for flag in FLAGS if not isinstance(getattr(cls, flag, False), bool)]
    if wrong:
        raise broken(candidate.name, "True or False", f"another value of {', '.join(wrong)}", "correct it")
    if all(getattr(cls, form) is getattr(Metric, form) for form in ("case", "pooled", "joined")):
        fix = "write `case` or `pooled`, or `keep` and `joined`"
        raise broken(candidate.name, "a value per case or a pooled value", "neither", fix)
    candidate.new()


def check_values(candidate: MetricCandidate) -> None:
    """Every value is finite, or None with a reason of one word; never NaN."""
    _refuse_bad(candidate, "the toy cohort", candidate.first_answers)


def check_range(candidate: MetricCandidate) -> None:
    """All values lie inside `value_range`, if the metric declares one."""
    low, high = _interval(candidate)
    for where, value in candidate.reference.items():
        if value.value is not None and not low <= value.value <= high:
            found, fix = f"{value.value:g} for {where}", "correct the value or `value_range`"
            raise broken(candidate.name, f"values in {candidate.cls.value_range}", found, fix)


def _interval(candidate: MetricCandidate) -> tuple[float, float]:
    try:
        return candidate.interval
    except ValueError as error:
        fix = 'write it as "[0, 1]" or "[0, inf)"'
        raise broken(candidate.name, "an interval as `value_range`", str(error), fix) from error


def check_no_lesion(candidate: MetricCandidate) -> None:
    """A lesion case without a lesion voxel has a finite value or a reason."""
    _edge_case(candidate, "a case without lesion", without_lesion)


def check_empty_brain(candidate: MetricCandidate) -> None:
    """A case with an empty brain mask has no value, and a reason."""
    for where, value in _edge_case(candidate, "an empty brain", without_brain).items():
        if value.value is not None:
            fix = 'return Value(None, "empty_brain")'
            raise broken(candidate.name, "no value for an empty brain", f"{value.value:g} ({where})", fix)


def check_degenerate_cases(candidate: MetricCandidate) -> None:
    """A constant map, and a brain that is lesion throughout, have a finite value or a reason."""
    _edge_case(
        candidate, "a constant map", lambda scored: with_scores(scored, np.full(scored.map.shape, THRESHOLD))
    )
    if candidate.cls.population == "lesion":
        _edge_case(candidate, "a brain of lesion alone", _all_lesion)


def check_no_threshold(candidate: MetricCandidate) -> None:
    """Where the threshold rule gave no threshold, no case has a value, and each has a reason."""
    if not candidate.cls.per_rule:
        raise NotChecked("the metric takes no threshold")
    answers = candidate.answers(candidate.cohort(), threshold=None)
    _refuse_bad(candidate, "a rule without threshold", answers)
    if any(value.value is not None for value in answers.values()):
        fix = 'return Value(None, "no_threshold") where view.threshold is None'
        raise broken(candidate.name, "no value without a threshold", "one", fix)


def _edge_case(candidate: MetricCandidate, what: str, change: Callable[[Scored], Scored]) -> dict[str, Value]:
    """The answers for the cohort after `change` of each case; refused where one is neither a value nor a reason."""
    try:
        answers = candidate.answers([change(scored) for scored in candidate.cohort()])
    except Exception as error:
        fix = "return Value(None, reason) there"
        raise broken(
            candidate.name, f"an answer for {what}", f"{type(error).__name__}: {error}", fix
        ) from error
    _refuse_bad(candidate, what, answers)
    return answers


def _all_lesion(scored: Scored) -> Scored:
    return Scored(
        scored.case_id, scored.map, scored.brain_mask, scored.brain_mask, scored.spacing, image=scored.image
    )


def _refuse_bad(candidate: MetricCandidate, what: str, answers: Mapping[str, Value]) -> None:
    for where, answer in answers.items():
        if fault := problem(answer):
            fix = "return Value(number), or Value(None, reason) where it is not defined"
            expected = f"a finite value or a reason of one word for {what}"
            raise broken(candidate.name, expected, f"{fault} ({where})", fix)


def check_order_does_not_matter(candidate: MetricCandidate) -> None:
    """The rows of an evaluation are the same in any order of the cases."""
    _ = candidate.reference
    forwards, backwards = (_rows(candidate, step) for step in (1, -1))
    if forwards != backwards:
        fix = "store nothing on the metric between two cases"
        raise broken(candidate.name, "the same rows in any order of the cases", "other rows", fix)


def _rows(candidate: MetricCandidate, step: int) -> tuple[Sequence[Any], Sequence[Any]]:
    from uad_bench.evaluate.engine import evaluate
    from uad_bench.evaluate.thresholds import Threshold

    rules = {"fixed": Threshold("fixed", THRESHOLD)}
    found = evaluate(candidate.cohort()[::step], [candidate.new()], rules, strata=False, draws=False)
    return found.case_rows, found.set_rows


def check_same_answer_again(candidate: MetricCandidate) -> None:
    """The same cases have the same values, whatever the global random states are."""
    again = with_other_random_state(partial(candidate.answers, candidate.cohort()))
    if again != candidate.reference:
        raise broken(candidate.name, "equal values for equal cases", "others", "draw nothing at random")


def check_cases_stay_untouched(candidate: MetricCandidate) -> None:
    """Neither the arrays nor the curve of a case are changed."""
    _ = candidate.reference
    cases, metric = candidate.cohort(), candidate.new()
    for scored, before in zip(cases, candidate.cohort(), strict=True):
        view = candidate.view(scored)
        metric.case(view)
        metric.keep(view)
        metric.pooled(view)
        changed = [*_changed(scored, before), *_changed(view.curve, candidate.view(before).curve)]
        if changed:
            fix = "work on a copy"
            raise broken(candidate.name, "cases that are only read", f"changed: {', '.join(changed)}", fix)


def _changed(now: Any, before: Any) -> list[str]:
    """The fields of a dataclass whose arrays differ."""
    pairs = [(field.name, getattr(now, field.name), getattr(before, field.name)) for field in fields(now)]
    return [
        name for name, one, other in pairs if isinstance(one, np.ndarray) and not np.array_equal(one, other)
    ]


def check_pool_of_one_case(candidate: MetricCandidate) -> None:
    """The pooled value of a single case is the value of that case."""
    if "pooled" not in candidate.reference or len(candidate.reference) < 2:
        raise NotChecked("the metric has no value per case, or no pooled value")
    for scored in candidate.cohort():
        alone, pooled = candidate.of_case(scored), candidate.of_pool([scored])
        if alone is None or pooled is None or not _equal(alone, pooled):
            fix = "compute both from the same voxels or counts"
            found = f"{_shown(alone)} and {_shown(pooled)} for {scored.case_id}"
            raise broken(candidate.name, "one value for a case and for a pool of that case", found, fix)


def check_better_direction(candidate: MetricCandidate) -> None:
    """A perfect map is at least as good as its inverse, in the direction that the class declares."""
    _ = candidate.reference
    perfect, inverse = (candidate.answers(cases) for cases in _perfect_and_inverse(candidate))
    sign = 1 if candidate.cls.higher_is_better else -1
    for where in perfect.keys() & inverse.keys():
        best, worst = perfect[where].value, inverse[where].value
        if best is not None and worst is not None and sign * (best - worst) < -TOLERANCE:
            found = f"{best:g} for the perfect map and {worst:g} for its inverse ({where})"
            fix = "correct `higher_is_better`"
            raise broken(candidate.name, "a perfect map that is no worse than its inverse", found, fix)


def _perfect_and_inverse(candidate: MetricCandidate) -> tuple[list[Scored], list[Scored]]:
    """The cohort with maps of 1 in lesions and 0 elsewhere, and the other way round."""
    cohort = candidate.cohort()
    perfect = [with_scores(scored, scored.lesion_mask.astype(np.float32)) for scored in cohort]
    return perfect, [with_scores(scored, 1 - scored.lesion_mask.astype(np.float32)) for scored in cohort]


def check_monotone_transform(candidate: MetricCandidate) -> None:
    """A metric with `rank_based = True` does not change under an increasing transform of map and threshold."""
    if not getattr(candidate.cls, "rank_based", False):
        raise NotChecked("the metric does not declare `rank_based = True`")
    before = candidate.reference
    cubed = [
        with_scores(scored, scored.map**3) for scored in candidate.cohort()
    ]  # exact: multiples of 1 / 64
    assert LEVELS**3 < 2**24
    after = candidate.answers(cubed, THRESHOLD**3)
    if any(not _equal(before[key], after[key]) for key in before):
        fix = "use the order of the scores only, or drop `rank_based`"
        raise broken(candidate.name, "the same values after s -> s**3", "others", fix)


def _equal(one: Value, other: Value) -> bool:
    if one.value is None or other.value is None:
        return one.value is other.value
    return math.isclose(one.value, other.value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _shown(value: Value | None) -> str:
    if value is None:
        return "nothing"
    return value.reason if value.value is None else f"{value.value:g}"


def check_process_stays_untouched(candidate: MetricCandidate) -> None:
    """Computing the metric changes no setting of the process."""
    _ = candidate.reference
    before = process_state()
    candidate.answers(candidate.cohort())
    refuse_changes(candidate.name, changed_settings(before))


METRIC_CHECKS: tuple[Callable[[MetricCandidate], None], ...] = (
    check_declaration,
    check_values,
    check_range,
    check_no_lesion,
    check_empty_brain,
    check_degenerate_cases,
    check_no_threshold,
    check_order_does_not_matter,
    check_same_answer_again,
    check_cases_stay_untouched,
    check_pool_of_one_case,
    check_better_direction,
    check_monotone_transform,
    check_process_stays_untouched,
)
