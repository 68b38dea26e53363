"""The command of a matrix of toy runs, folders of matrices, and a pretended squeue."""

import os
from pathlib import Path

import pytest

from tests.helpers import toy_data, toy_methods
from uad_bench.engines import matrix_file
from uad_bench.engines.matrix_file import JobMatrix, PlannedRun, Submission
from uad_bench.support.atomic_files import write_text

DATA, METHODS = toy_data.__file__, toy_methods.__file__
PROTOCOL = Path(DATA).with_name("toy.yaml")
SET = [f"protocol.train={DATA}", f"protocol.test=[{DATA}]", f"protocol.splits.tune={{{DATA}: 0.4}}"]

SQUEUE = """#!/bin/sh
echo "7|0|uad-key-0|COMPLETED|1:00|node1|None"
echo "7|1|uad-key-0|RUNNING|2:10:00|node1|None"
echo "7|2|uad-key-0|PENDING|3:00:00||Dependency"
echo "7|4|uad-key-0|NODE_FAIL|0:00|node1|NodeDown"
echo "not a job"
"""


@pytest.fixture
def words(toy_root, toy_cache, tmp_path, monkeypatch):
    """words(method, ...) -> the words of a `run` of toy methods into a folder below tmp_path."""
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))

    def words(*methods, out="runs"):
        names = [f"{METHODS}:{name}" if name[0].isupper() else name for name in methods]
        options = [word for text in SET for word in ("--set", text)]
        place = ["--data", f"{DATA}={toy_root}", "--out", tmp_path / out, "--protocol", PROTOCOL]
        return ["run", *names, *options, *place, "--threads", "1"]

    return words


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


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """pretended(text): squeue is this shell script."""

    def pretend(text=SQUEUE, name="squeue"):
        tool = tmp_path / "bin" / name
        write_text(tool, text)
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)

    return pretend


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
