"""A trained run and `predict` with its model; a scan that no run has seen."""

import numpy as np
import pytest

from tests.helpers.command import call
from tests.helpers.predictions import TRUST
from tests.helpers.runs import execute, matrix
from tests.helpers.toy_data import write_case


@pytest.fixture(scope="module")
def run(tmp_path_factory, toy_root, toy_cache):
    from uad_bench.cohort.discovery import Sources
    from uad_bench.pipeline.run_job import Workplace

    place = Workplace(tmp_path_factory.mktemp("runs"), Sources(toy_cache, {"toy_data": toy_root}), threads=1)
    (run,) = execute(matrix("Blur"), place)
    return run


@pytest.fixture
def predict(run, tmp_path, toy_cache, monkeypatch, capsys):
    """predict(words ...) -> exit code, stdout, stderr; the maps go to tmp_path/out."""
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    monkeypatch.chdir(tmp_path)

    def verb(*words, model=run.path, trust=TRUST):
        return call(monkeypatch, capsys, "predict", model, *words, "--to", "out", *trust)

    return verb


@pytest.fixture
def scan(tmp_path):
    (tmp_path / "in").mkdir()
    write_case(tmp_path / "in", "a07", np.random.default_rng(7))
    return tmp_path / "in" / "a07_t2.nii.gz"
