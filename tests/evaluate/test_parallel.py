"""Metrics of cases by several processes: the results and the errors of one process."""

import os
from dataclasses import replace
from multiprocessing import parent_process

import numpy as np
import pytest

from tests.helpers.scored_cases import make_scored
from uad_bench.errors import PluginError
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metric import Metric
from uad_bench.evaluate.metrics.surface import Hd95
from uad_bench.evaluate.metrics.voxel import AveragePrecision, Dice
from uad_bench.types import Value

METRICS = (AveragePrecision(), Dice(), Hd95())


class Refuses(Metric):
    """Fails on the case "c", and ends a worker process at "d"."""

    name = "refuses"

    def case(self, view):
        if view.scored.case_id == "d" and parent_process() and os.environ.get("UAD_TEST_DIES"):
            os._exit(9)
        if view.scored.case_id == "c":
            raise ZeroDivisionError("at c")
        return Value(1.0)


class Local(Metric):
    """Not one that another process can get."""

    name = "local"

    def __init__(self):
        self.call = lambda: 1.0

    def case(self, view):
        return Value(self.call())


def assert_same(one, other):
    assert (one.case_rows, one.set_rows, one.thresholds) == (
        other.case_rows,
        other.set_rows,
        other.thresholds,
    )
    assert one.draws.keys() == other.draws.keys() and one.draws
    assert all(one.draws[key].tobytes() == other.draws[key].tobytes() for key in one.draws)
    assert one.sketches == other.sketches


def test_two_processes_give_the_bits_of_one_in_one_pass_and_in_two(cases, thresholds):
    alone = evaluate(cases, METRICS, thresholds, sketches=True)
    for memory in (1 << 20, 0):
        assert_same(alone, evaluate(cases, METRICS, thresholds, sketches=True, memory=memory, processes=2))


def test_a_case_that_fails_is_named_as_by_one_process(cases, thresholds):
    broken = replace(cases[1], map=np.full_like(cases[1].map, np.nan))
    for processes in (1, 2):
        with pytest.raises(PluginError, match="case b"):
            evaluate([cases[0], broken, *cases[2:]], METRICS, thresholds, processes=processes)
        with pytest.raises(ZeroDivisionError, match="at c"):
            evaluate(cases, [Refuses()], thresholds, processes=processes)


def test_a_process_that_dies_costs_no_case(thresholds, monkeypatch, caplog):
    monkeypatch.setenv("UAD_TEST_DIES", "1")
    cases = [make_scored(name) for name in "abde"]
    found = evaluate(cases, [Refuses()], thresholds, processes=2)
    assert [row.value for row in found.case_rows] == [1.0] * 4
    assert len([line for line in caplog.messages if "evaluated by one process" in line]) == 1


def test_a_metric_that_no_other_process_can_get_is_computed_here(cases, thresholds, caplog):
    caplog.set_level("INFO", "uad_bench")
    found = evaluate(cases, [Local()], thresholds, processes=2)
    assert {row.value for row in found.case_rows} == {1.0}
    assert "cannot be sent to another one" in caplog.text
