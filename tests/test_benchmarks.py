"""Every benchmark imports, says what it does, and is described in benchmarks/README.md; the one for a GPU runs tiny."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_explains_itself(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        import_module(f"benchmarks.{name}").main()
    assert not ended.value.code
    assert len(capsys.readouterr().out) > 60
    assert f"`{name}.py`" in (FOLDER / "README.md").read_text()


@pytest.mark.slow
def test_the_gpu_benchmark_measures_every_scorer_and_the_training_at_toy_size(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gpu_patch2loc", "--tiny", "--device", "cpu"])
    import_module("benchmarks.gpu_patch2loc").main()
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    measured = {row[0].removeprefix("| "): float(row[1]) for row in rows if row[1].replace(".", "").isdigit()}
    assert {"conv, dense", "published, loop", "published, exact", "published, bf16"} <= measured.keys()
    assert all(seconds > 0 for seconds in measured.values())
