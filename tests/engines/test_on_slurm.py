"""`run --on slurm`: what is refused before anything is submitted, and the commands of the jobs."""

import sys

import pytest

from tests.helpers.command import call
from uad_bench import cli
from uad_bench.cli.engines.on import Typed, without_on
from uad_bench.engines import matrix_file, slurm, squeue
from uad_bench.engines.matrix_file import JobMatrix, PlannedRun
from uad_bench.engines.squeue import Queue, QueuedJob
from uad_bench.support.atomic_files import write_json


@pytest.fixture
def queue(monkeypatch):
    """A pretended Slurm, in which every job waits: the numbers of the tasks by name of the jobs."""
    jobs = {}

    def sbatch(_folder, _settings, parameters, tasks):
        jobs[parameters["job_name"]] = range(len(tasks))
        return str(len(jobs))

    def ask(names):
        keys = [(name, index) for name in names for index in jobs.get(name, ())]
        return Queue({key: QueuedJob("1", *key, "PENDING", "", "", "Resources") for key in keys})

    monkeypatch.setattr(slurm, "require_submitit", lambda: None)
    monkeypatch.setattr(slurm, "_sbatch", sbatch)
    monkeypatch.setattr(squeue, "ask", ask)
    return jobs


def test_the_same_runs_in_two_folders_have_jobs_of_their_own(words, tmp_path, monkeypatch, capsys, queue):
    for out in ("a", "b"):
        code, _, err = call(monkeypatch, capsys, *words("thresh", out=out), "--on", "slurm")
        assert (code, "1 of 1 runs submitted" in err) == (0, True)
    names = [
        {one.name for one in matrix_file.load(folder).submissions}
        for out in ("a", "b")
        for folder in matrix_file.matrices(tmp_path / out)
    ]
    assert [len(one) for one in names] == [3, 3] and not names[0] & names[1]


def test_jobs_stay_known_when_their_runs_are_carried_out_here(words, tmp_path, monkeypatch, capsys, queue):
    typed = words("thresh")
    assert call(monkeypatch, capsys, *typed, "--on", "slurm")[0] == 0
    (folder,) = matrix_file.matrices(tmp_path / "runs")
    before = matrix_file.load(folder)
    code, _, err = call(monkeypatch, capsys, *typed, "--on", "local:1")
    assert (code, "6 jobs of these runs are in the queue" in err, "--cancel" in err) == (6, True, True)
    assert matrix_file.load(folder) == before
    matrix_file.save(folder, before.model_copy(update={"cancelled": (0,)}))
    queue.clear()
    write_json(matrix_file.job_record(folder, "run", 0), {"code": 3, "error": "error[UB301]: no folder"})
    assert call(monkeypatch, capsys, *typed, "--on", "local:1")[0] == 0
    after = matrix_file.load(folder)
    assert (after.on, after.submissions, after.cancelled) == ("local:1", before.submissions, ())
    assert not matrix_file.job_record(folder, "run", 0).exists()


class KilledError(Exception):
    """The submitting process ends here."""


@pytest.mark.parametrize("submission", [1, 2, 3])
def test_jobs_of_a_process_that_was_killed_after_sbatch_are_known_by_their_name(
    words, tmp_path, monkeypatch, capsys, queue, submission
):
    typed, answered = words("thresh"), slurm._sbatch

    def killed(*arguments):
        number = answered(*arguments)  # the jobs are in the queue, their number is not written down
        if len(queue) == submission:
            raise KilledError
        return number

    monkeypatch.setattr(slurm, "_sbatch", killed)
    monkeypatch.setattr("sys.argv", ["uad-bench", *map(str, typed), "--on", "slurm"])
    with pytest.raises(BaseException):  # noqa: B017  # whatever an unforeseen error becomes
        cli.main()
    monkeypatch.setattr(slurm, "_sbatch", answered)
    capsys.readouterr()
    (folder,) = matrix_file.matrices(tmp_path / "runs")
    assert [one.job for one in matrix_file.load(folder).submissions] == [*map(str, range(1, submission)), ""]
    code, out, _ = call(monkeypatch, capsys, "jobs", tmp_path / "runs")
    told = (7, "never begun") if submission == 1 else (0, "waiting")  # before the run itself was submitted
    assert code == told[0] and told[1] in out
    _, _, err = call(monkeypatch, capsys, *typed, "--on", "slurm")
    assert f"{int(submission == 1)} of 1 runs submitted" in err
    queue.clear()  # Slurm gave the jobs up after a minute
    assert call(monkeypatch, capsys, "jobs", tmp_path / "runs")[0] == 7
    assert "1 runs submitted again" in "".join(
        call(monkeypatch, capsys, "jobs", tmp_path / "runs", "--retry")[1:]
    )


def test_runs_that_were_cancelled_stay_so_when_slurm_refuses(words, tmp_path, monkeypatch, capsys, queue):
    typed = [*words("thresh"), "--on", "slurm"]
    assert call(monkeypatch, capsys, *typed)[0] == 0
    (folder,) = matrix_file.matrices(tmp_path / "runs")
    matrix_file.save(folder, matrix_file.load(folder).model_copy(update={"cancelled": (0,)}))
    monkeypatch.setattr(squeue, "ask", lambda _names: Queue(fault="no answer"))
    assert call(monkeypatch, capsys, *typed)[0] == 6
    assert matrix_file.load(folder).cancelled == (0,)


def test_fresh_is_refused(words, monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, *words("thresh"), "--on", "slurm", "--fresh")
    assert (code, "exclude each other" in err) == (2, True)


def test_without_submitit_the_package_to_install_is_named(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "submitit", None)
    code, _, err = call(monkeypatch, capsys, *words("thresh"), "--on", "slurm")
    assert (code, "UB610" in err, "uad-bench[slurm]" in err) == (6, True, True)
    assert not list(tmp_path.rglob("matrix.json"))


def test_a_record_is_of_one_run(words, tmp_path, monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, *words("thresh"), "--record", tmp_path / "record.json")
    assert (code, "--only" in err) == (2, True)


def test_the_engine_is_no_part_of_the_command_of_a_job():
    assert without_on(["run", "ae", "--on", "slurm:a.yaml", "--seeds", "2"]) == ["run", "ae", "--seeds", "2"]
    assert without_on(["run", "--on=slurm", "ae"]) == ["run", "ae"]
    assert Typed("slurm:a.yaml", 0, "auto", "", [], [], "").is_slurm
    assert not Typed("local:2", 0, "auto", "", [], [], "").is_slurm


@pytest.mark.parametrize(
    ("stage", "expected"), [("run", "--only 1 --resume --threads 2"), ("prepare", "--shard 2/4")]
)
def test_the_command_of_a_job(tmp_path, stage, expected):
    runs = (PlannedRun(method="ae", seed=0), PlannedRun(method="ae", seed=1, threads=2, cpus=4))
    matrix = JobMatrix(words=("run", "ae"), prepare=("prepare", "ixi"), on="slurm", cwd="/", runs=runs)
    task = slurm._task(tmp_path / "runs" / "jobs" / "key", matrix, slurm.slurm_file.SlurmFile(), stage, 1)
    assert expected in " ".join(task.words)
    assert task.record.endswith(f"ended/{stage}-1.json")
