"""Outcomes of checks: expected failures, variants, names, pytest ids."""

from dataclasses import dataclass

import numpy as np
import pytest

from tests.helpers.sound_plugins import SoundMetric
from uad_bench import Method
from uad_bench.errors import UsageError
from uad_bench.prepare.steps.scale import Scale
from uad_bench.testing import check_method, check_metric, parametrize_with_checks, promises


@dataclass
class Excused(Method):
    """Keeps a count between scans, and declares it."""

    expected_failures = {"order_does_not_matter": "counts on purpose", "map": "no reason at all"}

    def score(self, scan, ctx):
        self.seen_ = getattr(self, "seen_", 0) + 1
        return np.full(scan.shape, self.seen_)


def test_an_expected_failure_is_reported_and_one_that_does_not_occur_is_a_fault():
    found = {result.promise: result for result in check_method(Excused)}
    assert found["order_does_not_matter"].status == "excused"
    assert found["order_does_not_matter"].message == "counts on purpose"
    assert not found["map"].ok
    assert "take it out" in found["map"].message


def test_pytest_gets_one_id_for_each_plug_in_and_promise_and_strict_xfails():
    tests = parametrize_with_checks("method", [Excused, "random"]).args[1]
    assert len({test.id for test in tests}) == len(tests) == 2 * len(promises("method", Excused, "x"))
    assert "random-map" in {test.id for test in tests}
    marks = {test.id: test.marks for test in tests}
    assert marks["Excused-map"][0].kwargs == {"reason": "no reason at all", "strict": True}
    assert not marks["Excused-save_and_load"]


def test_a_variant_is_tried_with_its_own_parameters():
    tests = parametrize_with_checks("method", ["thresh:raw"]).args[1]
    assert tests[0].values[0].candidate.new().mode == "raw"


def test_an_unknown_variant_is_named():
    with pytest.raises(UsageError, match=r"unknown variant of thresh 'row': did you mean raw"):
        check_method("thresh:row")


def test_every_kind_with_checks_is_known():
    with pytest.raises(
        UsageError, match="no checks for a protocol: kinds with checks: method, dataset, metric, step"
    ):
        promises("protocol", Excused, "uad-2mm")


def test_metrics_and_steps_make_pytest_parameters_too():
    metric = parametrize_with_checks("metric", ["ap"]).args[1]
    assert [test.id for test in metric] == [
        f"ap-{promise.name}" for promise in promises("metric", object, "ap")
    ]
    steps = parametrize_with_checks("step", ["cut", Scale(clip=False)]).args[1]
    assert {test.id.split("-")[0] for test in steps} == {"cut", "scale"}
    assert steps[-1].values[0].candidate.step.clip is False


def test_a_declared_failure_of_a_metric_is_excused():
    class Excused(SoundMetric):
        higher_is_better = False
        expected_failures = {"better_direction": "defined that way"}

    found = {result.promise: result for result in check_metric(Excused)}
    assert (found["better_direction"].status, found["better_direction"].message) == (
        "excused",
        "defined that way",
    )


def test_a_variant_of_a_metric_does_not_exist():
    with pytest.raises(UsageError, match="unknown variant of ap"):
        check_metric("ap:fast")
