"""F49, F66, F76, F82, F84: runs with other settings, boastful methods, other devices and threads, no network."""

import json
import socket
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from tests.helpers.command import call
from tests.helpers.runs import execute, matrix
from uad_bench import Context, Method, Scan
from uad_bench.cohort.discovery import Sources
from uad_bench.errors import PluginError
from uad_bench.method.guard import checked_map
from uad_bench.pipeline.run_job import Workplace
from uad_bench.support import environment

SETTINGS = [(["methods", "blur", "steps"], 12)]


def files(run):
    return {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def ap(run):
    return {r["group"]: float(r["value"]) for r in run.table("metrics.csv") if r["metric"] == "ap.pooled"}


def test_f49_another_configuration_is_another_run_and_resumes_nothing(place):
    (first,) = execute(matrix("Blur"), place())
    before = files(first)
    (second,) = execute(matrix("Blur", more=SETTINGS), place(resume=True))
    assert second.path != first.path and files(first) == before
    steps = {row["step"] for row in second.table("train.csv")}
    assert steps == {str(step) for step in range(12)}


@dataclass
class Boasts(Method):
    """Random numbers, and the best of metrics by its own account."""

    ap = 1.0
    metrics = {"ap.pooled": 1.0}

    def score(self, scan: Scan, ctx: Context) -> np.ndarray:
        self.ap_ = self.dice_ = 1.0
        return ctx.rng(scan.case_id).normal(size=scan.shape)


def test_f66_what_a_method_says_of_its_metrics_is_never_read(place):
    (run,) = execute(matrix(f"{__name__}:Boasts"), place())
    assert all(value < 0.5 for group, value in ap(run).items() if group != "healthy")
    assert "1.0" not in {row["value"] for row in run.table("metrics.csv") if row["metric"].startswith("ap")}


def test_f66_a_map_with_a_metric_beside_it_is_refused():
    scan = Scan(
        "a", ("t2",), np.zeros((1, 2, 2, 2), np.float32), np.ones((2, 2, 2), bool), np.eye(4), (1,) * 3
    )
    with pytest.raises(PluginError, match="not a map"):
        checked_map({"map": np.zeros((2, 2, 2)), "ap": 1.0}, scan, "boasts")


def test_f76_a_gpu_that_is_not_there_is_named_before_any_work(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    words = ["run", "thresh", "--device", "cuda", "--out", tmp_path / "runs"]
    code, _, err = call(monkeypatch, capsys, *words)
    assert code == 6 and err.count("error[") == 1 and "--device auto" in err
    assert not list(tmp_path.iterdir())
    assert environment.resolve_device("auto") == "cpu"


def test_f82_one_and_two_threads_agree_and_are_recorded(place, tmp_path, toy_root, toy_cache):
    sources = Sources(toy_cache, {"toy_data": toy_root})
    runs = [execute(matrix("Blur"), Workplace(tmp_path / str(n), sources, threads=n))[0] for n in (1, 2)]
    assert [json.loads((run.path / "env.json").read_text())["threads"] for run in runs] == [1, 2]
    one, two = map(ap, runs)
    assert one.keys() == two.keys() and all(abs(one[group] - two[group]) < 1e-3 for group in one)


def test_f84_nothing_reaches_for_a_network(monkeypatch, workspace):
    tried = []

    def refuse(*arguments, **_):
        tried.append(arguments)
        raise OSError("the network is unreachable")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert workspace.check().code == 0
    assert workspace.run().code == 0
    assert workspace.call("leaderboard", workspace.runs).code == 0
    assert workspace.call("list").code == 0 and workspace.call("doctor").code == 0
    assert not tried
