"""`run --on slurm`: what is refused before anything is submitted, and the commands of the jobs."""

import sys

import pytest

from tests.helpers.command import call
from uad_bench import cli
from uad_bench.cli.engines.on import Typed
from uad_bench.engines import matrix_file, slurm, squeue, states
from uad_bench.engines.matrix_file import JobMatrix, PlannedRun
from uad_bench.engines.squeue import Queue, QueuedJob
from uad_bench.results.find_runs import find_runs
from uad_bench.results.run_directory import RunDir
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


def test_only_on_of_slurm_submits_jobs():
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


def test_options_of_a_job_stand_in_front_of_a_literal_double_dash(tmp_path):
    runs = (PlannedRun(method="ae", seed=0),)
    matrix = JobMatrix(words=("run", "--seeds", "1", "--", "ae"), on="slurm", cwd="/", runs=runs)
    task = slurm._task(tmp_path / "runs" / "jobs" / "key", matrix, slurm.slurm_file.SlurmFile(), "run", 0)
    assert task.words[-2:] == ["--", "ae"]
    assert {"--only", "--resume", "--threads", "--workers", "--device", "--out", "--record"} < set(task.words)


def test_a_run_that_another_job_has_names_its_directory(words, tmp_path, monkeypatch, capsys, queue):
    """Two matrices, --seeds 1 and --seeds 2: the shared run is running, then done, for both of them."""
    assert call(monkeypatch, capsys, *words("thresh"), "--only", "0")[0] == 0
    (run,) = find_runs([tmp_path / "runs"])
    run.set_state("running")
    typed = [*words("thresh"), "--seeds", "2"]
    assert call(monkeypatch, capsys, *typed, "--on", "slurm")[0] == 0
    (folder,) = matrix_file.matrices(tmp_path / "runs")
    record = matrix_file.run_record(folder, 0)
    with run.locked():
        code, _, err = call(monkeypatch, capsys, *typed, "--only", "0", "--resume", "--record", record)
        assert (code, "in use" in err) == (6, True)
        queue.clear()
        write_json(matrix_file.job_record(folder, "run", 0), {"code": 6, "job": "1_0", "error": "in use"})
        assert state_of_first(folder) == "running"
    run.set_state("complete")
    assert state_of_first(folder) == "done"


def state_of_first(folder):
    matrix = matrix_file.load(folder)
    return states.states(folder, matrix, squeue.ask([one.name for one in matrix.submissions]))[0].state


@pytest.fixture
def lost(words, tmp_path, monkeypatch, capsys, queue):
    """lost(*options) -> the folder of a matrix by file.yaml, given in tmp_path, whose two runs are lost."""
    (tmp_path / "file.yaml").write_text("memory_gib: 8\nhours: 1\ncpus: 2\n")

    def lost(*options):
        typed = [*words("thresh", "Blur"), *options, "--on", "slurm:file.yaml"]
        with monkeypatch.context() as here:
            here.chdir(tmp_path)
            code, _, err = call(here, capsys, *typed)
        assert code == 0, err
        queue.clear()
        return matrix_file.matrices(tmp_path / "runs")[-1]

    return lost


def retry(monkeypatch, capsys, tmp_path):
    return call(monkeypatch, capsys, "jobs", tmp_path / "runs", "--retry")


def test_retry_reads_the_file_again_from_the_folder_of_the_command(lost, tmp_path, monkeypatch, capsys):
    folder = lost()
    before = matrix_file.load(folder).runs
    assert [(run.memory_gib, run.minutes, run.cpus) for run in before] == [(8, 60, 2)] * 2
    more = "memory_gib: 64\ncpus: 6\nmethods: {blur: {hours: 5, partition: long}}\n"
    (tmp_path / "file.yaml").write_text(more)
    asked = []
    monkeypatch.setattr(slurm, "_sbatch", lambda _f, _s, parameters, _t: asked.append(parameters) or "9")
    code, out, err = retry(monkeypatch, capsys, tmp_path)
    assert (code, "2 runs submitted again" in out, str(tmp_path / "file.yaml") in err) == (0, True, True)
    runs = matrix_file.load(folder).runs
    assert [(run.memory_gib, run.minutes, run.cpus) for run in runs] == [(64, 60, 6), (64, 300, 6)]
    assert [run.threads for run in runs] == [run.threads for run in before]  # a resumed run needs them
    assert [one.get("partition") for one in asked] == ["long", None, None]  # the last one: the table
    assert [one["mem"] for one in asked[:2]] == ["65536M"] * 2


def test_retry_keeps_the_device_and_what_is_done(lost, tmp_path, monkeypatch, capsys):
    folder = lost("--device", "cpu")
    matrix_file.run_record(folder, 0).parent.mkdir(exist_ok=True)
    RunDir(tmp_path / "runs" / "toy" / "thresh" / "a").set_state("complete")
    write_json(matrix_file.run_record(folder, 0), {"run": "toy/thresh/a"})
    before = matrix_file.load(folder).runs
    (tmp_path / "file.yaml").write_text("memory_gib: 64\ngpu: true\n")
    assert "1 runs submitted again" in retry(monkeypatch, capsys, tmp_path)[1]
    runs = matrix_file.load(folder).runs
    assert (runs[0], runs[1].memory_gib, runs[1].gpu) == (before[0], 64, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "file.yaml"),
        ("memory_gib: much", "file.yaml"),
        ("methods: {blurr: {hours: 2}}", "did you mean blur"),
        ("methods: {blur:odd: {hours: 2}}", "variant of blur"),
    ],
)
def test_retry_with_a_file_that_is_gone_or_wrong_names_it_and_submits_nothing(
    lost, tmp_path, monkeypatch, capsys, text, told
):
    folder, file = lost(), tmp_path / "file.yaml"
    before = matrix_file.load(folder)
    file.unlink() if text is None else file.write_text(text)
    code, _, err = retry(monkeypatch, capsys, tmp_path)
    assert (code, told in err, str(file) in err) == (2, True, True)
    assert matrix_file.load(folder) == before


def test_a_matrix_whose_file_is_gone_does_not_keep_another_one_from_being_retried(
    lost, words, tmp_path, monkeypatch, capsys, queue
):
    lost()
    assert call(monkeypatch, capsys, *words("thresh"), "--seeds", "2", "--on", "slurm")[0] == 0
    queue.clear()
    (tmp_path / "file.yaml").unlink()
    code, out, err = retry(monkeypatch, capsys, tmp_path)
    assert (code, "2 runs submitted again" in out, "file.yaml" in err) == (2, True, True)


def test_a_matrix_of_an_earlier_version_without_the_needs_of_methods_is_retried(
    lost, tmp_path, monkeypatch, capsys
):
    folder = lost()
    matrix = matrix_file.load(folder)
    runs = tuple(run.model_copy(update={"needs": None}) for run in matrix.runs)
    matrix_file.save(folder, matrix.model_copy(update={"runs": runs}))
    (tmp_path / "file.yaml").write_text("memory_gib: 64\n")
    assert "2 runs submitted again" in retry(monkeypatch, capsys, tmp_path)[1]
    assert [(run.memory_gib, run.minutes) for run in matrix_file.load(folder).runs] == [(64, 60)] * 2
