"""Benchmarks of engines compare what both engines wrote, and refuse runs that differ."""

import json
import sys

import pytest

from benchmarks import slots, submitted
from benchmarks.small import on_slurm, runs
from benchmarks.small.runs import Spent


def write(folder, **values):
    """A run below a folder with these digests; its status differs from that of any other."""
    place = folder / "phantom" / "ae" / "seed0"
    place.mkdir(parents=True)
    (place / "digests.json").write_text(json.dumps({"status.json": str(folder), **values}))


def test_runs_are_equal_but_for_times_of_the_clock(tmp_path):
    write(tmp_path / "one", metrics="a", maps="b")
    write(tmp_path / "other", metrics="a", maps="b")
    assert runs.require_equal(tmp_path / "one", tmp_path / "other") == 2


@pytest.mark.parametrize("values", [{"metrics": "c"}, {}, {"metrics": "a", "maps": "b"}])
def test_other_digests_and_missing_files_end_the_benchmark(tmp_path, values):
    write(tmp_path / "one", metrics="a")
    write(tmp_path / "other", **values)
    with pytest.raises(SystemExit, match="differ"):
        runs.require_equal(tmp_path / "one", tmp_path / "other")


def test_no_runs_are_not_equal_runs(tmp_path):
    with pytest.raises(SystemExit, match="no runs"):
        runs.require_equal(tmp_path, tmp_path)


def test_the_table_of_the_slots_has_the_minima():
    found = {"one by one": [Spent(40, 50), Spent(42, 48)], "slots": [Spent(50, 30), Spent(44, 31)]}
    assert slots.table(found, 2).splitlines()[2:] == [
        "| one by one | 40.0 | | 48.0 | |",
        "| slots | 44.0 | 1.82 | 30.0 | 1.60 |",
    ]


def test_without_slurm_a_benchmark_of_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(on_slurm.shutil, "which", lambda tool: None)
    monkeypatch.setattr(sys, "argv", ["submitted", "--slurm"])
    with pytest.raises(SystemExit) as ended:
        submitted.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("no Slurm here: sbatch")
