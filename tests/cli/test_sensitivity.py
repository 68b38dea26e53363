"""`sensitivity` through the command line."""

import csv

import pytest

from tests.helpers.command import call
from tests.helpers.runs import DATA, HERE

TOY = (f"protocol.train={DATA}", f'protocol.test=["{DATA}"]', "protocol.metrics=[ap]", "protocol.primary=ap.case",
       "protocol.thresholds=[oracle_set]")  # fmt: skip


def test_a_change_of_the_preparation_is_measured_and_its_runs_are_found_again(
    monkeypatch, capsys, tmp_path, toy_root
):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    words = ["sensitivity", "thresh", "--vary", "scale,scale.percentiles=[0, 100]", "-p", HERE / "toy.yaml", "--data",
             f"{DATA}={toy_root}", "--out", tmp_path / "runs", "--to", tmp_path / "numbers.csv"]  # fmt: skip
    words += [word for setting in TOY for word in ("--set", setting)]
    code, out, err = call(monkeypatch, capsys, *words)
    assert code == 0, err
    assert "| as the protocol | 1 | 6 |" in out and "| without scale | 1 | 6 |" in out
    rows = list(csv.DictReader((tmp_path / "numbers.csv").open()))
    assert [row["preparation"] for row in rows] == [
        "as the protocol",
        "without scale",
        "scale.percentiles=[0, 100]",
    ]
    assert float(rows[1]["difference"]) == pytest.approx(float(rows[1]["mean"]) - float(rows[0]["mean"]))
    names = {path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()}
    assert names == {"toy", "toy.without-scale", "toy.scale-percentiles--0--100"}
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("cases.csv")}
    assert call(monkeypatch, capsys, *words)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("cases.csv")} == made


def test_no_change_is_refused(monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, "sensitivity", "thresh", "--vary", ",")
    assert code == 2 and "--vary names no change" in err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--metric", "nothing"), "metric of protocol"),
        (("--metric", "dice@nothing"), "threshold rule of protocol"),
        (("--to", "numbers.txt"), "ends in .csv"),
        (("--vary", "scale.clip=true"), "is what the protocol"),
        (("--vary", "scale.percentiles=[0, 100]", "--vary", "scale.percentiles=[0.0, 100.0]"), "twice"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_trained(
    monkeypatch, capsys, tmp_path, more, message
):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    vary = () if "--vary" in more else ("--vary", "scale")
    code, _, err = call(
        monkeypatch, capsys, "sensitivity", "thresh", *vary, *more, "--out", tmp_path / "runs"
    )
    assert code == 2 and message in err and not list(tmp_path.glob("runs/*"))
