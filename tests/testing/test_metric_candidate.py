"""A metric candidate computes values as the evaluation does, and reads the declared interval."""

import math

import pytest

from tests.helpers.sound_plugins import SoundMetric
from uad_bench import Value
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metrics.healthy import FalsePositiveVolume
from uad_bench.evaluate.metrics.image import CaseAurocMax
from uad_bench.evaluate.metrics.lesion import LesionRecall
from uad_bench.evaluate.metrics.voxel import AveragePrecision
from uad_bench.evaluate.thresholds import Threshold
from uad_bench.testing import MetricCandidate, NotChecked
from uad_bench.testing.metric_candidate import THRESHOLD, problem


@pytest.mark.parametrize("cls", [AveragePrecision, LesionRecall, FalsePositiveVolume, CaseAurocMax])
def test_values_are_those_of_the_engine(cls):
    candidate = MetricCandidate("m", cls)
    rules = {"fixed": Threshold("fixed", THRESHOLD)}
    found = evaluate(candidate.cohort(), [cls()], rules, strata=False, draws=False)
    answers = dict(candidate.first_answers)
    pooled = answers.pop("pooled", None)
    assert {row.case_id: row.value for row in found.case_rows} == {k: v.value for k, v in answers.items()}
    rows = {row.metric: row.value for row in found.set_rows if row.group in ("all", "healthy")}
    expected = [value for name, value in rows.items() if "pooled" in name]
    assert expected == ([pooled.value] if pooled else [])


@pytest.mark.parametrize(("cls", "healthy"), [(AveragePrecision, {False}), (FalsePositiveVolume, {True}),
                                              (CaseAurocMax, {False, True})])  # fmt: skip
def test_a_cohort_is_that_of_the_population(cls, healthy):
    assert {scored.healthy for scored in MetricCandidate("m", cls).cohort()} == healthy


@pytest.mark.parametrize(
    ("text", "interval"),
    [("[0, 1]", (0, 1)), ("[0, inf)", (0, math.inf)), ("[0, ∞)", (0, math.inf)), ("(-∞, 1]", (-math.inf, 1))],
)
def test_intervals_are_read(text, interval):
    class Ranged(SoundMetric):
        value_range = text

    assert MetricCandidate("m", Ranged).interval == interval


def test_a_missing_interval_is_not_checked_and_another_text_an_error():
    class Unranged(SoundMetric):
        value_range = ""

    with pytest.raises(NotChecked, match="declares no `value_range`"):
        _ = MetricCandidate("m", Unranged).interval
    Unranged.value_range = "0 to 1"
    with pytest.raises(ValueError, match="0 to 1"):
        _ = MetricCandidate("m", Unranged).interval


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Value(0.5), ""),
        (Value(None, "no_positive"), ""),
        (Value(None), "no value, and the reason ''"),
        (Value(None, "No lesion!"), "no value, and the reason 'No lesion!'"),
        (Value(math.inf), "[inf]"),
        (Value(0.5, extra={"n": math.nan}), "[0.5, nan]"),
        (0.5, "float instead of Value"),
    ],
)
def test_problems_of_an_answer_are_named(answer, fault):
    assert problem(answer) == fault


def test_a_metric_that_is_undefined_everywhere_has_no_reference():
    class Never(SoundMetric):
        def case(self, view):
            return Value(None, "never")

    with pytest.raises(NotChecked, match="undefined for every toy case"):
        _ = MetricCandidate("never", Never).reference
