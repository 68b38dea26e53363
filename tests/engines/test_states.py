"""`jobs`: every state of a run, from its directory, the record of its job and a pretended squeue."""

import os
import time
from dataclasses import replace

import pytest

from uad_bench.engines import matrix_file, squeue, states
from uad_bench.engines.squeue import Queue
from uad_bench.results.run_directory import RunDir
from uad_bench.support import lease
from uad_bench.support.atomic_files import write_json, write_text


def begun(folder, number, state="running", **facts):
    """The directory of a run that has begun."""
    name = f"toy/ae/seed{number}-0"
    run = RunDir(folder.parents[1] / name)
    run.set_state(state, **facts)
    write_json(matrix_file.run_record(folder, number), {"run": name})
    return run


def found(folder):
    matrix = matrix_file.load(folder)
    queue = squeue.ask([one.name for one in matrix.submissions])
    return [(one.state, one.detail) for one in states.states(folder, matrix, queue)]


def test_every_state_is_told(folder, pretended):
    pretended()
    begun(folder, 0, "complete")
    write_text(begun(folder, 1).path / "train.csv", "phase,step,name,value\nfit,40,loss,0.5\n")
    begun(folder, 3, "failed", error="the loss became nan")
    begun(folder, 4)
    write_json(matrix_file.job_record(folder, "run", 5), {"code": 3, "error": "error[UB301]: no folder"})
    matrix = matrix_file.load(folder)
    matrix_file.save(folder, matrix.model_copy(update={"cancelled": (6,)}))
    assert found(folder) == [
        ("done", "toy/ae/seed0-0"),
        ("running", "training, fit step 40, job 7_1 on node1, 2:10:00 left of its time limit"),
        ("waiting", "job 7_2: Dependency"),
        ("failed", "the loss became nan"),
        ("lost", "its job left no exit record (Slurm: NODE_FAIL); see key/log"),
        ("failed", "error[UB301]: no folder"),
        ("cancelled", "jobs --retry submits it again"),
    ]


def test_a_job_that_a_signal_ended_is_lost_and_not_failed(folder, pretended):
    pretended("#!/bin/sh\n")
    for number, code in enumerate((143, 137)):
        record = {"code": code, "job": f"7_{number}", "error": ""}
        write_json(matrix_file.job_record(folder, "run", number), record)
    assert found(folder)[:2] == [
        ("lost", "job 7_0 was ended by SIGTERM (scancel, or a time limit)"),
        ("lost", "job 7_1 was ended by SIGKILL (kill -9, or out of memory)"),
    ]


def test_the_last_submission_counts(folder, pretended):
    begun(folder, 3, "failed", error="no memory")
    matrix = matrix_file.submitted(matrix_file.load(folder), folder, "run", [3])
    matrix_file.save(folder, matrix)
    pretended(f"#!/bin/sh\necho '9|0|{matrix.submissions[-1].name}|PENDING|1:00||Resources'\n")
    assert found(folder)[3] == ("waiting", "job 9_0: Resources")


@pytest.mark.parametrize("script", ["#!/bin/sh\necho 'slurm_load_jobs error: no' >&2\nexit 1\n", "no script"])
def test_where_slurm_does_not_answer_nothing_is_called_lost(folder, pretended, script):
    pretended(script)
    begun(folder, 0, "complete")
    assert [state for state, _ in found(folder)] == ["done"] + ["unknown"] * 6


def test_a_run_whose_lease_is_renewed_runs_though_squeue_does_not_know_it(folder, pretended):
    pretended("#!/bin/sh\n")
    with begun(folder, 0).locked():
        assert found(folder)[0][0] == "running"
        assert f"process {os.getpid()}" in found(folder)[0][1]
    run = begun(folder, 0)
    away = replace(lease.Holder.here(), boot="other", host="away")
    lease.create(run.path / "lock.lease", away)
    assert found(folder)[0][0] == "running"
    os.utime(run.path / "lock.lease", (time.time() - 2 * lease.STALE,) * 2)
    assert found(folder)[0][0] == "lost"


@pytest.mark.parametrize("way", ["slurm", "record"])
def test_a_lease_of_a_job_that_has_ended_on_another_node_is_not_believed(folder, pretended, way):
    pretended("#!/bin/sh\n" + ("echo '7|0|uad-key-0|FAILED|1:00|node1|None'\n" if way == "slurm" else ""))
    run, away = begun(folder, 0), replace(lease.Holder.here(), boot="other", host="away")
    lease.create(run.path / "lock.lease", replace(away, job="7_0"))
    record = matrix_file.job_record(folder, "run", 0)
    write_json(record, {"job": "7_0"} | ({"code": 137} if way == "record" else {}))
    assert found(folder)[0][0] == "lost"
    lease.remove(run.path / "lock.lease", away)
    lease.create(run.path / "lock.lease", replace(away, job="8_0"))  # another job has taken the run up
    assert found(folder)[0][0] == "running"


def test_runs_that_wait_for_a_process_of_this_machine_are_no_lost_jobs(folder, pretended):
    pretended("#!/bin/sh\n")
    matrix_file.save(folder, matrix_file.load(folder).model_copy(update={"on": "local:2"}))
    assert found(folder)[0] == ("lost", "never begun: the process that was to start or submit it has ended")
    write_text(begun(folder, 1).path / "train.csv", "phase,step,name,value\nfit,400,loss,0.5\n")
    reason = "its process has ended; --resume continues it, training, fit step 400"
    assert found(folder)[1] == ("lost", reason)
    lease.create(folder / "engine.lease", replace(lease.Holder.here(), boot="other", host="away", pid=7))
    assert found(folder)[:2] == [("waiting", "local:2: process 7 on away")] * 2


def test_a_run_that_began_here_and_was_not_submitted_afterwards_is_submitted_by_retry(folder, pretended):
    pretended("#!/bin/sh\n")
    matrix_file.save(folder, matrix_file.load(folder).model_copy(update={"submissions": ()}))
    begun(folder, 0)
    assert found(folder)[0] == ("lost", "its process has ended; jobs --retry submits it, begun")


@pytest.mark.parametrize(
    "state",
    [
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED"),
        *("NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
    ],
)
def test_a_job_in_any_final_state_of_slurm_has_ended(folder, pretended, state):
    pretended(f"#!/bin/sh\necho '7|0|uad-key-0|{state}|1:00|node1|None'\n")
    begun(folder, 0)
    assert found(folder)[0] == ("lost", f"its job left no exit record (Slurm: {state}); see key/log")


@pytest.mark.parametrize("state", ["RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "STAGE_OUT"])
def test_a_job_that_has_nodes_has_not_ended(folder, pretended, state):
    pretended(f"#!/bin/sh\necho '7|0|uad-key-0|{state}|1:00|node1|None'\n")
    assert found(folder)[0][0] == "running"


def test_no_name_no_question(monkeypatch):
    monkeypatch.setattr(squeue.subprocess, "run", None)
    assert squeue.ask([]) == Queue()
