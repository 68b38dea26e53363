"""The story on a toy cohort: fit, score, evaluate, resume, and what a broken method leaves behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from tests.helpers.run_figures import drawn_figures
from tests.helpers.runs import DATA, HERE, METHODS, execute, execute_all, matrix
from tests.helpers.toy_data import make, write_case
from uad_bench.cohort.discovery import Sources
from uad_bench.errors import DataError, IntegrityError, PartialFailure, PluginError, UsageError
from uad_bench.leaderboard.collect import collect
from uad_bench.method.context import Context
from uad_bench.pipeline.model import n_parameters
from uad_bench.pipeline.reevaluate import reevaluate
from uad_bench.pipeline.run_job import Workplace


def test_a_run_ends_with_numbers_for_every_group_and_rule(place):
    with drawn_figures():
        (run,) = execute(matrix("Blur"), place())
    rows = {(r["group"], r["metric"]): r for r in run.table("metrics.csv")}
    assert run.state == "complete"
    assert all((run.path / name).is_file() for name in ("sheet.png", "dice.png", "dice.svg", "training.png"))
    assert {"all", "a", "b", "healthy"} == {group for group, _ in rows}
    assert float(rows["all", "ap.pooled"]["value"]) > float(rows["all", "prevalence.pooled"]["value"])
    for rule in ("oracle_case", "oracle_set", "healthy_q98", "tune"):
        assert ("all", f"dice@{rule}") in rows
    roles = {r["case_id"]: r["role"] for r in run.table("splits.csv")}
    assert set(roles.values()) == {"train", "val", "tune", "test"}
    draws = {(group, metric): values for (_, group, metric), values in run.draws().items()}
    assert {"all", "a", "b"} == {group for group, _ in draws}
    low, high = np.nanmin(draws["all", "ap.pooled"]), np.nanmax(draws["all", "ap.pooled"])
    assert low < float(rows["all", "ap.pooled"]["value"]) < high


def test_a_run_is_collected_with_values_by_case_and_what_it_cost(place):
    (run,) = execute(matrix("Blur"), place())
    (found,) = collect([run]).runs
    results = found.results["toy_data"]
    values = [results.cases["ap"][case] for case in sorted(results.groups["all"])]
    assert np.mean(values) == pytest.approx(results.values["all", "ap.case"].value)
    assert found.cost.parameters == 10  # a convolution of 3 x 3 and its bias
    assert found.cost.fit_s is not None and found.cost.peak_mib > 0


def test_parameters_are_those_of_the_networks_that_were_learnt():
    torch, method = pytest.importorskip("torch"), SimpleNamespace()
    method.net_, method.aside, method.mean_ = torch.nn.Linear(3, 2), torch.nn.Linear(9, 9), np.ones(5)
    assert n_parameters(method) == 3 * 2 + 2


def test_f81_two_runs_with_one_seed_are_equal_to_the_bit_and_another_seed_is_not(place, tmp_path):
    first = execute(matrix("Blur", seeds=(0, 1)), place())
    again = execute(matrix("Blur"), Workplace(tmp_path / "other", place().sources, threads=1))[0]
    digests = [json.loads((r.path / "digests.json").read_text()) for r in (*first, again)]
    sealed = [{k: v for k, v in d.items() if k not in {"env.json", "status.json"}} for d in digests]
    assert sealed[0] == sealed[2]
    assert sealed[0]["model/weights.safetensors"] != sealed[1]["model/weights.safetensors"]


def test_f50_a_complete_run_is_left_alone_and_fresh_makes_it_again(place, caplog):
    (run,) = execute(matrix("Blur"), place())
    before = (run.path / "metrics.csv").stat().st_mtime_ns
    with caplog.at_level("INFO"):
        execute(matrix("Blur"), place())
    assert (run.path / "metrics.csv").stat().st_mtime_ns == before
    assert "already complete" in caplog.messages[-1]
    execute(matrix("Blur"), place(fresh=True))
    assert (run.path / "metrics.csv").stat().st_mtime_ns != before


def test_fresh_and_resume_exclude_each_other(place):
    with pytest.raises(UsageError, match="--fresh and --resume exclude each other"):
        place(fresh=True, resume=True)


def test_the_training_time_includes_that_of_interrupted_processes(place, monkeypatch):
    monkeypatch.setattr(Context, "earlier_s", property(lambda _self: 1000.0))
    (run,) = execute(matrix("Blur"), place())
    assert 1000 < run.status()["fit_s"] < 1100


def test_checkpoints_that_a_kill_left_beside_a_stored_model_are_removed(place):
    (run,) = execute(matrix("Blur"), place())
    run.set_state("running")
    (run.path / "checkpoints").mkdir()
    (run.path / "checkpoints/old.ckpt").write_bytes(b"x")
    execute(matrix("Blur"), place(resume=True))
    assert run.state == "complete" and not (run.path / "checkpoints").exists()


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("WrongShape", "shape"),
        ("GivesNaN", "NaN"),
        ("Raises", "ValueError: no idea"),
        ("Diverges", "step 23"),
    ],
)
def test_a_method_that_breaks_its_contract_is_named_and_leaves_no_metric(place, method, words):
    with pytest.raises(PluginError, match=words) as caught:
        execute(matrix(method), place())
    assert caught.value.exit_code == 4
    (status,) = place().out.rglob("status.json")
    assert json.loads(status.read_text())["state"] == "failed"
    assert not (status.parent / "metrics.csv").exists()
    assert "Traceback" in (status.parent / "log.txt").read_text()


def test_a_failed_run_does_not_stop_the_others(place):
    outcome = execute_all(matrix("Raises", "Blur"), place())
    assert isinstance(outcome.error, PartialFailure)
    assert outcome.error.exit_code == 7 and "1 of 2 runs failed" in str(outcome.error)
    assert [run.state for run in outcome.done] == ["complete"]


def test_an_unfinished_run_asks_for_resume_or_fresh(place):
    with pytest.raises(PluginError):
        execute(matrix("Raises"), place())
    with pytest.raises(UsageError, match="--resume"):
        execute(matrix("Raises"), place())


def test_stored_maps_are_measured_again_without_training(place):
    (run,) = execute(matrix("Blur"), place())
    before = (run.path / "metrics.csv").read_bytes()
    again = reevaluate(run, [], place().sources)
    assert again.path == run.path and (run.path / "metrics.csv").read_bytes() == before
    other = reevaluate(run, [(["protocol", "postprocess"], [])], place().sources)
    assert other.path != run.path
    assert (other.path / "metrics.csv").read_bytes() != before
    assert other.spec().protocol.fingerprint != run.spec().protocol.fingerprint
    with pytest.raises(UsageError, match="needs a new run"):
        reevaluate(run, [(["protocol", "grid", "spacing"], [1, 1, 1])], place().sources)


def test_other_data_than_the_runs_is_refused(place, toy_cache, tmp_path):
    (run,) = execute(matrix("Blur"), place())
    other = make(tmp_path / "other", healthy=8)
    with pytest.raises(DataError, match="other cases, roles or voxels"):
        reevaluate(run, [], Sources(toy_cache, {"toy_data": other}))


def test_other_voxels_under_the_same_names_make_another_run(place, toy_root, toy_cache, tmp_path):
    (first,) = execute(matrix("Blur"), place())
    other = tmp_path / "other"
    shutil.copytree(toy_root, other)
    write_case(other, "a00", np.random.default_rng(99))
    sources = Sources(toy_cache, {"toy_data": other})
    (second,) = execute(matrix("Blur"), Workplace(place().out, sources, threads=1))
    assert second.path != first.path
    one, two = (collect([run]).runs[0].results["toy_data"] for run in (first, second))
    assert one.test_ids != two.test_ids or one.fit_ids != two.fit_ids


def test_other_metrics_are_measured_without_a_new_run(place, caplog):
    (run,) = execute(matrix("Blur"), place())
    settings = [(["protocol", "thresholds"], ["healthy_q95"])]
    with caplog.at_level("INFO"):
        (again,) = execute(matrix("Blur", more=settings), place())
    assert again.path == run.path and any("measured again" in line for line in caplog.messages)
    assert {row["rule"] for row in run.table("thresholds.csv")} == {"healthy_q95"}
    assert run.spec().protocol.thresholds == ("healthy_q95",)


def test_edited_maps_are_not_measured_again_by_run(place):
    (run,) = execute(matrix("Blur"), place())
    one, other, *_ = sorted((run.path / "maps").rglob("*.npz"))
    one.write_bytes(other.read_bytes())
    with pytest.raises(IntegrityError, match="was changed"):
        execute(matrix("Blur", more=[(["protocol", "thresholds"], ["healthy_q95"])]), place())


def test_other_metrics_keep_the_maps_as_they_are_kept(place):
    (run,) = execute(matrix("Blur"), place())
    settings = [(["protocol", "thresholds"], ["healthy_q95"])]
    execute(matrix("Blur", more=settings, keep_maps="none"), place())
    spec = run.spec()
    assert (spec.protocol.thresholds, spec.keep_maps) == (("healthy_q95",), "all")
    reevaluate(run, [], place().sources)


def test_what_scores_knows_only_what_was_stored(place):
    with pytest.raises(PluginError, match="secret"):
        execute(matrix("Forgets"), place())


def test_an_edited_run_is_not_measured_again(place):
    (run,) = execute(matrix("Blur"), place())
    (run.path / "splits.csv").write_text((run.path / "splits.csv").read_text().replace("tune", "test"))
    with pytest.raises(IntegrityError, match=r"splits\.csv was changed"):
        reevaluate(run, [], place().sources)


def test_resuming_under_another_thread_count_is_refused(place):
    with pytest.raises(PluginError):
        execute(matrix("Diverges"), place())
    other = Workplace(place().out, place().sources, threads=2, resume=True)
    with pytest.raises(UsageError, match="threads 1, not 2"):
        execute(matrix("Diverges"), other)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (("metrics", ["apx"]), "unknown metric 'apx'"),
        (("thresholds", ["healthy"]), "threshold rule"),
        (("postprocess", [{"step": "medain"}]), "did you mean median"),
        (("primary", "dice@oracle_case"), "oracle"),
    ],
)
def test_a_protocol_is_checked_before_anything_trains(setting, words):
    key, value = setting
    with pytest.raises(UsageError, match=words):
        matrix("Blur", more=[(["protocol", key], value)])


def test_settings_for_a_method_that_does_not_run_are_refused():
    with pytest.raises(UsageError, match="did you mean blur"):
        matrix("Blur", more=[(["methods", "blurr", "steps"], 3)])


def test_constant_maps_of_a_control_are_one_line(place, caplog):
    execute(matrix("all-brain"), place())
    (line,) = [line for line in caplog.messages if "is constant" in line]
    assert re.fullmatch(r"\d+ cases, the first .*: the map of all-brain is constant: .*", line)


def command(out, toy_root, *more):
    """A run of Blur that sleeps in every step, as a command line."""
    return [
        sys.executable, "-m", "uad_bench", "run", f"{METHODS}:Blur", "--out", str(out), "--threads", "1",
        "--protocol", str(HERE / "toy.yaml"), "--data", f"{DATA}={toy_root}", "--test", DATA, "--workers", "1",
        "--set", f"protocol.train={DATA}", "--set", "blur.steps=60", "--checkpoint-minutes", "0", *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def calm_weights(tmp_path_factory, toy_root, toy_cache):
    """The weights of an undisturbed run."""
    out = tmp_path_factory.mktemp("calm")
    env = {**os.environ, "UAD_BENCH_CACHE": str(toy_cache), "OMP_NUM_THREADS": "1"}
    subprocess.run(command(out, toy_root), env=env, check=True, capture_output=True)
    return next(out.rglob("weights.safetensors")).read_bytes()


@pytest.mark.parametrize(
    "how", [signal.SIGKILL, signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_f48_f77_f78_a_run_that_was_killed_resumes_to_the_same_bits(
    tmp_path, toy_root, toy_cache, calm_weights, how
):
    env = {**os.environ, "UAD_BENCH_CACHE": str(toy_cache), "OMP_NUM_THREADS": "1"}
    slow = command(tmp_path / "killed", toy_root, "--set", "blur.sleep=0.05")
    with subprocess.Popen(slow, env=env, stderr=subprocess.DEVNULL) as process:
        _wait_for(tmp_path / "killed", "*.ckpt")
        time.sleep(0.3)
        process.send_signal(how)
        assert process.wait(30) == {signal.SIGINT: 130, signal.SIGTERM: 143}.get(how, -signal.SIGKILL)
    assert not list((tmp_path / "killed").rglob("weights.safetensors"))
    subprocess.run([*slow, "--resume"], env=env, check=True, capture_output=True)
    assert next((tmp_path / "killed").rglob("weights.safetensors")).read_bytes() == calm_weights
    rows = (next((tmp_path / "killed").rglob("train.csv"))).read_text().splitlines()
    assert len(rows) == len(set(rows)) and sum(",loss," in row for row in rows) == 60


def _wait_for(folder, pattern):
    for _ in range(6000):
        if list(folder.rglob(pattern)):
            return
        time.sleep(0.05)
    raise AssertionError(f"no {pattern} appeared")


def test_settings_of_torch_that_a_plugin_made_when_it_was_imported_change_no_other_run(place):
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        (run,) = execute(matrix("Blur"), place())
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert run.state == "complete"
