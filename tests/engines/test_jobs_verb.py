"""`jobs`: what it shows, submits again and cancels, and its exit codes."""

import os

import pytest

from tests.engines.test_states import begun, found
from tests.helpers.command import call
from uad_bench.engines import jobs, matrix_file, squeue
from uad_bench.engines.matrix_file import Submission
from uad_bench.engines.squeue import Queue, QueuedJob
from uad_bench.errors import EnvironmentFault
from uad_bench.results.run_directory import RunDir
from uad_bench.support.atomic_files import write_text


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


@pytest.mark.parametrize("option", [[], ["--retry"], ["--cancel"]])
def test_a_folder_without_runs_is_told(tmp_path, monkeypatch, capsys, option):
    folder = tmp_path / "my runs"
    folder.mkdir()
    code, _, err = call(monkeypatch, capsys, "jobs", folder, *option)
    assert (code, "no runs" in err, str(folder) in err) == (2, True, True)
    assert option or f"uad-bench run METHOD --out '{folder}'" in err


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


def test_commands_in_messages_can_be_copied_and_do_not_begin_runs_again(
    folder, local, pretended, monkeypatch, capsys
):
    pretended()
    monkeypatch.setattr(jobs, "retry", lambda _one: 0)
    words = ("run", "--fresh", "--data", "ixi=/my scans", "--set", "a.b=[t1, t2]", "--resume", "--", "ae")
    matrix = matrix_file.load(local)
    matrix_file.save(local, matrix.model_copy(update={"words": words, "on": "slurm:my file.yaml"}))
    _, out, _ = call(monkeypatch, capsys, "jobs", folder.parents[1])
    typed = "--data 'ixi=/my scans' --set 'a.b=[t1, t2]'"
    assert f"local: uad-bench run --fresh {typed} --resume --on 'slurm:my file.yaml' -- ae" in out
    matrix_file.save(local, matrix.model_copy(update={"words": words}))
    _, _, err = call(monkeypatch, capsys, "jobs", folder.parents[1], "--retry")
    assert f": uad-bench run {typed} --resume --on local:2 -- ae\n" in err


def test_a_folder_in_a_hint_is_quoted(folder, pretended, monkeypatch, capsys):
    pretended()
    out = folder.parents[1].rename(folder.parents[2] / "my runs")
    _, _, err = call(monkeypatch, capsys, "jobs", out)
    assert f"`uad-bench jobs '{out}' --retry`" in err
    busy = QueuedJob("7_1", "uad-key-0", 0, "RUNNING", "", "node1", "")
    monkeypatch.setattr(squeue, "ask", lambda _names: Queue({("uad-key-0", 0): busy}))
    with pytest.raises(EnvironmentFault) as caught:
        jobs.begin_here(out / "jobs" / "key", matrix_file.load(out / "jobs" / "key"))
    assert f"uad-bench jobs '{out}' --cancel" in str(caught.value)
