"""F72 to F74: odd machines and numbers end in one line: other encodings, no home, read-only folders, huge seeds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import call
from uad_bench.cohort.discovery import default_cache
from uad_bench.errors import EnvironmentFault, UsageError
from uad_bench.pipeline.settings import parse_seeds
from uad_bench.support import atomic_files

RUN = ["run", "thresh", "--set", "phantom.healthy=4", "--set", "phantom.lesions=2"]


@pytest.mark.parametrize(
    "text", ["18446744073709551616", "99999999999", "-1", "1,-1", "9223372036854775808,", "x", "", "1,1"]
)
def test_f72_seeds_that_cannot_be_are_refused_at_once(text):
    with pytest.raises(UsageError) as caught:
        parse_seeds(text)
    assert caught.value.code == "UB203"


@pytest.mark.parametrize(
    ("method", "setting"),
    [
        ("ae", "ae.lr=-1"), ("ae", "ae.steps=-1"), ("ae", "ae.batch=0"), ("patch2loc", "patch2loc.patch=9999"),
        ("patch2loc", "patch2loc.patch=-1"), ("dae", "dae.width=99999999"), ("ddpm", "ddpm.steps=0"),
        ("ae", "ae.lr=[1]"), ("ae", "ae.steps={a: 1}"), ("ae", "ae.lr=fast"), ("thresh", "thresh.mode=[raw]"),
        ("thresh", "protocol.grid.spacing=[0, 0, 0]"), ("thresh", "protocol.test=3"),
        ("thresh", "protocol.prepare=[canonical]"), ("thresh", "protocol.grid.shape=[9, 9, 99999]"),
        ("thresh", "phantom.healthy=-4"), ("thresh", "protocol.presets=[1]"),
    ],
)  # fmt: skip
def test_f72_numbers_out_of_range_and_wrong_types_are_refused_before_any_work(
    tmp_path, monkeypatch, capsys, method, setting
):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    code, _, err = call(monkeypatch, capsys, "run", method, "--set", setting, "--out", str(tmp_path / "runs"))
    assert (code, err.count("error[UB20"), err.count("\n")) == (2, 1, 1), err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_a_terminal_without_utf8_shows_every_name(encoding, tmp_path):
    command = [sys.executable, "-m", "uad_bench", "leaderboard", str(tmp_path / "läufe-脑")]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr and b"error[UB200]: no such folder of runs" in done.stderr


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    for name in ("UAD_BENCH_CACHE", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(EnvironmentFault, match="UAD_BENCH_CACHE"):
        default_cache()


@pytest.mark.parametrize("which", ["--out", "cache"])
def test_f74_a_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path, monkeypatch, capsys, which):
    file = tmp_path / "file"
    file.write_text("in the way")
    bad = str(file / "folder")
    monkeypatch.setenv("UAD_BENCH_CACHE", bad if which == "cache" else str(tmp_path / "cache"))
    code, _, err = call(
        monkeypatch, capsys, *RUN, "--out", bad if which == "--out" else str(tmp_path / "runs")
    )
    assert (code, err.count("error[UB600]"), "prepare" in err) == (6, 1, False)
    assert not list(tmp_path.rglob("*.npy"))


def test_f73_a_full_disk_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_files, "LEAST_FREE_BYTES", 2**62)
    with pytest.raises(EnvironmentFault, match="MB are free"):
        atomic_files.require_writable(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_planted_link_is_never_written_through(tmp_path, monkeypatch):
    victim, names = tmp_path / "victim", iter(["guessed", "other"])
    victim.write_text("precious")
    monkeypatch.setattr(atomic_files.secrets, "token_hex", lambda _: next(names))
    (tmp_path / f".x.json.{atomic_files._kernel()}guessed.tmp").symlink_to(victim)
    with pytest.raises(EnvironmentFault):
        atomic_files.write_text(tmp_path / "x.json", "{}")
    assert victim.read_text() == "precious"


def test_what_was_left_aside_is_swept(tmp_path):
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / ".a.npz.0123.tmp").write_text("half")
    (tmp_path / ".model.0123.tmp").mkdir()
    (tmp_path / "metrics.csv").write_text("kept")
    atomic_files.sweep(tmp_path)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == [
        Path("maps"),
        Path("metrics.csv"),
    ]
