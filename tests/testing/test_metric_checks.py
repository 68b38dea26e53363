"""Every metric check finds the metric that breaks its promise, and only that check."""

import os
import random

import numpy as np
import pytest

from tests.helpers.sound_plugins import SoundMetric
from uad_bench import Metric, Value
from uad_bench.evaluate.metrics.voxel import VoxelMetric
from uad_bench.testing import METRIC_CHECKS, check_metric


class Rated(SoundMetric):
    """The share of lesion voxels at or above the threshold."""

    per_rule = True
    value_range = "[0, 1]"

    def case(self, view):
        if view.scored.brain_mask.any() and view.threshold is None:
            return Value(None, "no_threshold")
        lesion = view.scored.lesion_mask & view.scored.brain_mask
        return Value(float(view.prediction[lesion].mean())) if lesion.any() else Value(None, "no_positive")


class Area(VoxelMetric):
    """The AUROC, which depends on the order of the scores only."""

    name, summary, value_range, rank_based = "area", "AUROC", "[0, 1]", True

    def of(self, curve, threshold):
        value = curve.auroc()
        return Value(value) if value is not None else Value(None, "undefined")


class NoSummary(SoundMetric):
    summary = ""


class BadName(SoundMetric):
    name = "Sound@2"


class BadPopulation(SoundMetric):
    population = "tumour"


class GivesNaN(SoundMetric):
    def case(self, view):
        value = super().case(view)
        return Value(float("nan")) if view.scored.case_id == "lesion-1" and value.value is not None else value


class GivesNumbers(SoundMetric):
    def case(self, view):
        return super().case(view).value


class NoReason(SoundMetric):
    def case(self, view):
        value = super().case(view)
        return Value(None) if value.value is None else value


class OutOfRange(SoundMetric):
    value_range = "[0.5, 1]"


class NoInterval(SoundMetric):
    value_range = "positive"


class FailsWithoutLesion(SoundMetric):
    def case(self, view):
        if view.scored.brain_mask.any() and not view.scored.lesion_mask.any():
            raise IndexError("no lesion")
        return super().case(view)


class ZeroWithoutBrain(SoundMetric):
    def case(self, view):
        return super().case(view) if view.scored.brain_mask.any() else Value(0.0)


class FailsOnConstantMaps(SoundMetric):
    def case(self, view):
        if view.scored.brain_mask.any() and np.ptp(view.scored.map[view.scored.brain_mask]) == 0:
            raise ZeroDivisionError
        return super().case(view)


class IgnoresMissingThreshold(Rated):
    def case(self, view):
        return Value(0.0) if view.threshold is None and view.curve.n_brain else super().case(view)


class Remembers(SoundMetric):
    def case(self, view):
        self._last = 0.5 * getattr(self, "_last", 0.0) + view.scored.map.mean() / 100
        value = super().case(view)
        return value if value.value is None else Value(float(value.value + self._last))


class Draws(SoundMetric):
    def case(self, view):
        value = super().case(view)
        return value if value.value is None else Value(value.value + random.random() / 100)


class Writes(SoundMetric):
    def case(self, view):
        value = super().case(view)
        view.scored.map[...] *= 2
        return value


class OtherPool(Area):
    def pooled(self, view):
        value = super().pooled(view)
        return value if value.value is None else Value(value.value / 2)


class WrongDirection(SoundMetric):
    higher_is_better = False


class NotRankBased(SoundMetric):
    rank_based = True


class Meddles(SoundMetric):
    def case(self, view):
        os.environ["MEDDLED"] = str(int(os.environ.get("MEDDLED", "0")) + 1)
        return super().case(view)


BROKEN = {
    NoSummary: "declaration",
    BadName: "declaration",
    BadPopulation: "declaration",
    GivesNaN: "values",
    OutOfRange: "range",
    NoInterval: "range",
    FailsWithoutLesion: "no_lesion",
    ZeroWithoutBrain: "empty_brain",
    FailsOnConstantMaps: "degenerate_cases",
    IgnoresMissingThreshold: "no_threshold",
    Remembers: "order_does_not_matter",
    Draws: "same_answer_again",
    Writes: "cases_stay_untouched",
    OtherPool: "pool_of_one_case",
    WrongDirection: "better_direction",
    NotRankBased: "monotone_transform",
    Meddles: "process_stays_untouched",
}
#: Random values differ in every comparison, and the draws change the global state; NaN is found in edge cases too.
ALSO = {Draws: {"order_does_not_matter", "process_stays_untouched"}, GivesNaN: {"degenerate_cases"}}


@pytest.fixture(autouse=True)
def _environment_restored(monkeypatch):
    monkeypatch.setenv("MEDDLED", "0")


def broken(cls):
    return {result.promise for result in check_metric(cls) if not result.ok}


@pytest.mark.parametrize("cls", [SoundMetric, Rated, Area])
def test_a_sound_metric_keeps_every_promise_that_applies(cls):
    status = {result.promise: result.status for result in check_metric(cls)}
    assert len(status) == len(METRIC_CHECKS)
    assert set(status.values()) <= {"kept", "not checked"}
    assert (status["no_threshold"] == "kept") == cls.per_rule
    assert (status["monotone_transform"] == "kept") == hasattr(cls, "rank_based")
    assert (status["pool_of_one_case"] == "kept") == (cls is Area)


@pytest.mark.parametrize(("cls", "promise"), BROKEN.items(), ids=lambda x: getattr(x, "__name__", x))
def test_the_check_finds_the_one_broken_promise(cls, promise):
    found = broken(cls)
    assert promise in found
    assert found <= {promise} | ALSO.get(cls, set())


@pytest.mark.parametrize(("cls", "promise"), [(GivesNumbers, "values"), (NoReason, "empty_brain")])
def test_an_answer_that_is_no_value_and_an_absent_reason_are_found(cls, promise):
    assert promise in broken(cls)


def test_a_metric_without_a_form_is_refused():
    class Nothing(Metric):
        name, summary = "nothing", "no value at all"

    results = {result.promise: result for result in check_metric(Nothing)}
    assert "write `case` or `pooled`" in results["declaration"].message
    assert results["range"].status == "not checked"


def test_messages_state_metric_expectation_finding_and_fix():
    message = next(r.message for r in check_metric(OutOfRange) if r.promise == "range")
    assert message.startswith("sound: expected values in [0.5, 1], found ")
    assert "`value_range`" in message
