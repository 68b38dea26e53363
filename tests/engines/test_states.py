"""`jobs`: every state of a run, from its directory, the record of its job and a pretended squeue."""

import os
import time
from dataclasses import replace

import pytest

from tests.helpers.command import call
from uad_bench.engines import jobs, matrix_file, squeue, states
from uad_bench.engines.matrix_file import JobMatrix, PlannedRun, Submission
from uad_bench.engines.squeue import Queue
from uad_bench.results.run_directory import RunDir
from uad_bench.support import lease
from uad_bench.support.atomic_files import write_json, write_text

SQUEUE = """#!/bin/sh
echo "7|0|uad-key-0|COMPLETED|1:00|node1|None"
echo "7|1|uad-key-0|RUNNING|2:10:00|node1|None"
echo "7|2|uad-key-0|PENDING|3:00:00||Dependency"
echo "7|4|uad-key-0|NODE_FAIL|0:00|node1|NodeDown"
echo "not a job"
"""


@pytest.fixture
def folder(tmp_path):
    """The folder of a matrix of seven submitted runs that have not begun."""
    folder = tmp_path / "runs" / "jobs" / "key"
    runs = tuple(PlannedRun(method="ae", seed=seed) for seed in range(7))
    one = Submission(name="uad-key-0", stage="run", numbers=tuple(range(7)), when=1.0, job="7")
    matrix = JobMatrix(words=("run", "ae"), on="slurm", cwd="/", runs=runs, submissions=(one,))
    folder.mkdir(parents=True)
    matrix_file.save(folder, matrix)
    return folder


def begun(folder, number, state="running", **facts):
    """The directory of a run that has begun."""
    name = f"toy/ae/seed{number}-0"
    run = RunDir(folder.parents[1] / name)
    run.set_state(state, **facts)
    write_json(matrix_file.run_record(folder, number), {"run": name})
    return run


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """pretended(text): squeue is this shell script."""

    def pretend(text=SQUEUE, name="squeue"):
        tool = tmp_path / "bin" / name
        write_text(tool, text)
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)

    return pretend


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
    lease.create(folder / "engine.lease", replace(lease.Holder.here(), boot="other", host="away", pid=7))
    assert found(folder)[0] == ("waiting", "local:2: process 7 on away")


def test_no_name_no_question(monkeypatch):
    monkeypatch.setattr(squeue.subprocess, "run", None)
    assert squeue.ask([]) == Queue()


def test_the_verb_shows_the_runs_and_ends_with_7_where_some_are_lost(folder, pretended, monkeypatch, capsys):
    pretended()
    begun(folder, 0, "complete")
    code, out, err = call(monkeypatch, capsys, "jobs", folder.parents[1])
    assert code == 7
    assert "7 runs: 1 done, 1 running, 1 waiting, 4 lost" in out
    assert "--retry" in err


def test_the_verb_without_an_engine_reads_the_runs_alone(tmp_path, monkeypatch, capsys):
    for seed, state in enumerate(("complete", "running")):
        run = RunDir(tmp_path / f"toy/ae/seed{seed}-0")
        run.set_state(state)
        write_text(run.path / "spec.yaml", "")
    with run.locked():
        code, out, _ = call(monkeypatch, capsys, "jobs", tmp_path)
        assert (code, "seed0-0  done" in out, "seed1-0  running" in out) == (0, True, True)
    code, out, err = call(monkeypatch, capsys, "jobs", tmp_path)
    assert (code, "seed1-0  lost" in out, "1 runs failed or were lost" in err) == (7, True, True)
    code, _, err = call(monkeypatch, capsys, "jobs", tmp_path, "--retry")
    assert (code, "--resume" in err) == (2, True)


def test_jobs_that_wait_or_run_are_cancelled_and_then_told_so(
    folder, pretended, monkeypatch, capsys, tmp_path
):
    pretended()
    pretended(f"#!/bin/sh\necho $@ > {tmp_path}/cancelled\n", "scancel")
    code, out, _ = call(monkeypatch, capsys, "jobs", folder.parents[1], "--cancel")
    assert code == 0
    assert "2 jobs cancelled" in out
    assert (tmp_path / "cancelled").read_text().split() == ["7_1", "7_2"]
    pretended("#!/bin/sh\n")
    assert [found(folder)[number][0] for number in (1, 2)] == ["cancelled", "cancelled"]


def test_a_damaged_matrix_is_one_line(folder, monkeypatch, capsys):
    write_text(folder / matrix_file.NAME, "{")
    code, _, err = call(monkeypatch, capsys, "jobs", folder.parents[1])
    assert (code, "UB509" in err) == (5, True)


@pytest.fixture
def local(folder):
    """The folder of an earlier matrix whose seven runs were carried out on this machine, and are lost."""
    local = folder.with_name("local")
    local.mkdir()
    update = {"on": "local:2", "submissions": ()}
    matrix_file.save(local, matrix_file.load(folder).model_copy(update=update))
    folder.joinpath(matrix_file.NAME).write_bytes(
        folder.joinpath(matrix_file.NAME).read_bytes()
    )  # is younger
    return local


def test_a_matrix_of_this_machine_is_continued_by_its_command_and_others_are_submitted_before(
    folder, local, pretended, monkeypatch, capsys
):
    pretended()
    again = []
    monkeypatch.setattr(jobs, "retry", lambda one: again.append(one) or 3)
    code, out, err = call(monkeypatch, capsys, "jobs", folder.parents[1], "--retry")
    assert (code, again, "key: 3 runs submitted again" in out) == (2, [folder], True)
    assert "local: skipped" in err and "7 runs of this machine" in err
    assert "uad-bench run ae --resume --on local:2" in err


def test_jobs_are_cancelled_before_a_matrix_that_this_machine_carries_out_now_is_an_error(
    folder, local, pretended, monkeypatch, capsys
):
    pretended()
    pretended("#!/bin/sh\n", "scancel")
    earlier = Submission(name="uad-local-0", stage="run", numbers=(0,), when=1.0, job="3")
    matrix_file.save(local, matrix_file.load(local).model_copy(update={"submissions": (earlier,)}))
    os.utime(folder / matrix_file.NAME)  # is younger
    with jobs.one_engine(local):
        code, out, err = call(monkeypatch, capsys, "jobs", folder.parents[1], "--cancel")
    assert (code, "key: 2 jobs cancelled" in out, "carried out" in err) == (6, True, True)


@pytest.mark.parametrize("option", ["--retry", "--cancel"])
def test_a_complete_matrix_of_this_machine_is_skipped(folder, local, pretended, monkeypatch, capsys, option):
    pretended()
    pretended("#!/bin/sh\n", "scancel")
    monkeypatch.setattr(jobs, "retry", lambda _one: 0)
    for number in range(7):
        begun(local, number, "complete")
    code, _, err = call(monkeypatch, capsys, "jobs", folder.parents[1], option)
    assert (code, "local: skipped" in err) == (0, True)


def test_runs_that_this_machine_carries_out_are_not_cancelled(folder, local, pretended, monkeypatch, capsys):
    pretended()
    pretended("#!/bin/sh\n", "scancel")
    with jobs.one_engine(local), begun(local, 0).locked():
        code, out, err = call(monkeypatch, capsys, "jobs", folder.parents[1], "--cancel")
    assert (code, "key: 2 jobs cancelled" in out, "1 runs of this machine are not cancelled" in err) == (
        2,
        True,
        True,
    )


def test_the_hint_names_retry_only_where_jobs_of_slurm_are_lost(
    folder, local, pretended, monkeypatch, capsys
):
    pretended()
    code, _, err = call(monkeypatch, capsys, "jobs", folder.parents[1])
    assert (code, "--retry" in err, "--resume" in err) == (7, True, True)
    (folder / matrix_file.NAME).unlink()
    code, _, err = call(monkeypatch, capsys, "jobs", folder.parents[1])
    assert (code, "--retry" in err, "--resume" in err) == (7, False, True)
