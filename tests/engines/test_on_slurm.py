"""`run --on slurm`: what is refused before anything is submitted, and the commands of the jobs."""

import sys

import pytest

from tests.helpers.command import call
from uad_bench.cli.engines.on import Typed, without_on
from uad_bench.engines import slurm
from uad_bench.engines.matrix_file import JobMatrix, PlannedRun


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
