"""F52 to F54, F60, F61: methods that fail on cases, hang, crash, write into their input or change the process."""

import csv
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.helpers.runs import HERE, execute, matrix
from uad_bench.errors import PartialFailure, PluginError
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.collect import collect
from uad_bench.pipeline.matrix import execute as execute_all
from uad_bench.results.find_runs import find_runs

RUDE = str(HERE / "rude_methods.py")


def specs(cls, seeds=(0,)):
    return matrix(f"{RUDE}:{cls}", seeds=seeds)


def failed_cases(run):
    with (run.path / "failures.csv").open() as file:
        return {row["case_id"]: row["reason"] for row in csv.DictReader(file)}


def the_run(place):
    (run,) = find_runs([place.out])
    return run


def test_f52_others_are_scored_and_no_metric_is_of_the_easy_ones(place):
    outcome = execute_all(specs("RaisesOnSome"), place())
    assert isinstance(outcome.error, PartialFailure) and outcome.error.exit_code == 7
    run = the_run(place())
    reasons = failed_cases(run)
    assert reasons and all(
        name.endswith("1") and "cannot handle this scan" in why for name, why in reasons.items()
    )
    scored = len(list((run.path / "maps").rglob("*.npz")))
    status = run.status()
    assert (status["state"], f"{scored} of {scored + len(reasons)} cases" in status["error"]) == (
        "incomplete",
        True,
    )
    assert not (run.path / "metrics.csv").exists()


def test_f52_a_table_says_how_many_cases_have_a_map(place):
    execute(matrix("Blur"), place())
    execute_all(specs("RaisesOnSome"), place())
    (table,) = tables(collect(find_runs([place().out])).runs, [])
    lines = [line for row in table.rows for line in row.failures]
    assert len(lines) == 1 and "incomplete" in lines[0] and " cases have an anomaly map" in lines[0]
    assert [row.rank for row in table.rows if row.failures] == [None]


def test_f52_a_resumed_run_tries_the_failed_cases_alone(place, monkeypatch):
    execute_all(specs("RaisesOnSome"), place())
    run = the_run(place())
    before = {path: path.stat().st_mtime_ns for path in (run.path / "maps").rglob("*.npz")}
    assert isinstance(execute_all(specs("RaisesOnSome"), place(resume=True)).error, PartialFailure)
    assert {path: path.stat().st_mtime_ns for path in (run.path / "maps").rglob("*.npz")} == before


def test_f52_fail_fast_ends_the_run_at_the_first_case(place):
    error = execute_all(specs("RaisesOnSome"), replace(place(), fail_fast=True)).error
    assert (type(error), error.exit_code) == (PluginError, 4)
    assert not (the_run(place()).path / "failures.csv").exists()


@pytest.mark.parametrize(
    ("cls", "why"),
    [("HangsOnSome", "no answer within 3 s"), ("CrashesOnSome", "the process of the method died")],
)
def test_f53_f54_a_case_that_hangs_or_crashes_costs_itself(place, cls, why):
    outcome = execute_all(specs(cls), replace(place(), case_timeout_s=3))
    reasons = failed_cases(the_run(place()))
    assert isinstance(outcome.error, PartialFailure)
    assert reasons and all(name.endswith("1") and why in text for name, text in reasons.items())


def test_f53_maps_do_not_depend_on_the_process(place, tmp_path):
    (here,) = execute(matrix("Blur"), place())
    (there,) = execute(matrix("Blur"), replace(place(), out=tmp_path / "isolated", case_timeout_s=60))
    maps = sorted(path.relative_to(here.path) for path in (here.path / "maps").rglob("*.npz"))
    assert maps and all((here.path / name).read_bytes() == (there.path / name).read_bytes() for name in maps)


def test_f60_writing_through_torch_is_an_error_and_not_a_crash(place):
    error = execute_all(specs("WritesThroughTorch"), place()).error
    assert (error.code, error.exit_code) == ("UB406", 4)
    assert "wrote into its input" in str(error)


def test_f61_sys_exit_in_a_method_is_its_failure(place):
    outcome = execute_all([*specs("Exits"), *matrix("Blur")], place())
    assert isinstance(outcome.error, PartialFailure) and "SystemExit" in str(outcome.error)
    assert [run.spec().method for run in outcome.done] == ["blur"]


def test_f61_the_process_is_as_before(place):
    before = (
        Path.cwd(),
        dict(os.environ),
        np.geterr(),
        signal.getsignal(signal.SIGTERM),
        torch.is_grad_enabled(),
    )
    outcome = execute_all([*specs("ChangesTheProcess"), *matrix("Blur")], place())
    assert outcome.error is None
    after = (
        Path.cwd(),
        dict(os.environ),
        np.geterr(),
        signal.getsignal(signal.SIGTERM),
        torch.is_grad_enabled(),
    )
    assert after == before
