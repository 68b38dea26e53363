"""Results computed again are swapped in whole: killed or out of space at any moment, the old ones stand."""

import json
import shutil
import sys
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.helpers.runs import execute, matrix
from uad_bench.errors import EnvironmentFault, IntegrityError, UadError
from uad_bench.pipeline import replace_results as module
from uad_bench.pipeline.reevaluate import reevaluate
from uad_bench.results.find_runs import find_runs
from uad_bench.results.run_directory import RunDir
from uad_bench.support import atomic_files, environment, exchange

RESULTS = ("cases.csv", "metrics.csv", "thresholds.csv", "digests.json", "status.json", "spec.yaml")


class Killed(BaseException):
    """As a SIGKILL would: nothing is tidied by handlers for errors."""


@pytest.fixture
def run(place):
    (made,) = execute(matrix("Blur"), place())
    return made


def contents(run):
    return {name: (run.path / name).read_bytes() for name in RESULTS}


def siblings(run):
    return sorted(path.name for path in run.path.parent.iterdir())


def test_results_are_replaced_and_nothing_is_left_beside(run, place):
    before = contents(run)
    again = reevaluate(run, [(["protocol", "metrics"], ["ap"])], place().sources)
    assert again.path == run.path and siblings(run) == [run.path.name]
    again.verify(maps=True)
    assert {row["metric"].partition(":")[2] or row["metric"] for row in again.table("metrics.csv")} == {
        "ap.case",
        "ap.pooled",
    }
    assert contents(run)["metrics.csv"] != before["metrics.csv"]
    assert json.loads((run.path / "status.json").read_text())["fit_s"] >= 0


@pytest.mark.parametrize("moment", ["write_spec", "write_table", "write_draws", "complete"])
def test_killed_at_any_moment_the_old_results_stand(run, place, monkeypatch, moment):
    before = contents(run)

    def kill(*_args, **_more):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunDir, moment, kill)
        patch.setattr(
            atomic_files.shutil, "rmtree", lambda *_a, **_k: None
        )  # a killed process tidies nothing
        with pytest.raises(Killed):
            reevaluate(run, [], place().sources)
    assert contents(run) == before
    assert [one.path for one in find_runs([place().out])] == [run.path]
    reevaluate(run, [], place().sources)
    assert siblings(run) == [run.path.name]


def test_a_full_disk_leaves_the_old_results(run, place, monkeypatch):
    before = contents(run)

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_files.os, "fsync", full)
    with pytest.raises(EnvironmentFault, match="No space left"):
        reevaluate(run, [], place().sources)
    assert contents(run) == before and siblings(run) == [run.path.name]


def test_without_an_exchange_by_the_kernel_two_renames_do(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "_exchanged", lambda *_: False)
    new, old = tmp_path / "new", tmp_path / "old"
    for folder in (new, old):
        folder.mkdir()
        (folder / "name").write_text(folder.name)
    exchange.replace_folder(new, old)
    assert [(path.name, (path / "name").read_text()) for path in tmp_path.iterdir()] == [("old", "new")]


def test_a_kill_between_the_two_renames_is_mended(tmp_path):
    aside = tmp_path / ".old.replaced.tmp"
    aside.mkdir()
    exchange.restore(tmp_path / "old")
    assert (tmp_path / "old").is_dir() and not aside.exists()


def test_more_metrics_of_a_complete_run_are_computed_without_a_risk(run, place):
    (again,) = execute(matrix("Blur", more=[(["protocol", "metrics"], ["ap", "auroc"])]), place())
    assert again.path == run.path and siblings(run) == [run.path.name]
    assert any(row["metric"] == "auroc.case" for row in again.table("metrics.csv"))


def test_f44_a_model_changed_before_the_seal_is_refused(run, place):
    (run.path / "digests.json").unlink()
    run.set_state("running")
    shutil.rmtree(run.path / "maps")
    weights = next((run.path / "model").glob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(IntegrityError, match="was changed after"):
        execute(matrix("Blur"), place(resume=True))


def test_a_fresh_start_that_was_killed_is_neither_complete_nor_resumed(run, place, monkeypatch):
    def kill(*_args, **_more):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("uad_bench.results.run_directory.shutil.rmtree", kill)
        with pytest.raises(Killed):
            execute(matrix("Blur"), place(fresh=True))
    assert run.state == "cleared" and not (run.path / "digests.json").exists()
    (again,) = execute(matrix("Blur"), place(resume=True))
    assert again.state == "complete"
    again.verify(maps=True)


@pytest.mark.parametrize(("driver", "computed_on"), [((), "cpu"), (("/dev/null",), "cuda")])
def test_the_run_is_measured_again_on_a_gpu_where_there_is_one_by_as_many_workers_as_prepare(
    run, place, monkeypatch, driver, computed_on
):
    given = []
    monkeypatch.setattr(module, "evaluate_run", lambda *words: given.append(words[3:]))
    monkeypatch.setattr(environment, "GPU_DRIVERS", driver)
    monkeypatch.setattr(environment, "resolve_device", lambda device: "cuda")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with suppress(UadError):  # without results nothing is sealed
        reevaluate(run, [], replace(place().sources, workers=3), "auto")
    assert given == [(computed_on, 3)]
