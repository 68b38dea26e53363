"""How results are told: excuses, variants, names, pytest ids."""

from dataclasses import dataclass

import numpy as np
import pytest

from uad_bench import Method
from uad_bench.errors import UsageError
from uad_bench.testing import check_method, parametrize_with_checks, promises


@dataclass
class Excused(Method):
    """Remembers, and says so."""

    expected_failures = {"order_does_not_matter": "counts on purpose", "map": "no reason at all"}

    def score(self, scan, ctx):
        self.seen_ = getattr(self, "seen_", 0) + 1
        return np.full(scan.shape, self.seen_)


def test_an_excuse_is_told_and_one_without_need_is_a_fault():
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


def test_a_metric_has_no_checks():
    with pytest.raises(UsageError, match="no checks for a metric"):
        promises("metric", Excused, "ap")
