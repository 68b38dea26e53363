"""F94: code that a run directory names is imported only where it is installed or given on the command line."""

import json
import shutil

import pytest

from tests.helpers.command import call
from tests.helpers.runs import DATA, METHODS, execute, matrix
from uad_bench.support import strict_yaml

#: What a hostile run would execute on import.
EVIL = "from pathlib import Path\nPath({mark!r}).write_text('executed')\n"


@pytest.fixture
def hostile(place, tmp_path):
    """hostile(section) -> (a finished run whose spec names a hostile file there, the file that this would write)."""

    def make(section):
        (run,) = execute(matrix("Glass"), place())
        mark = tmp_path / "executed"
        code = tmp_path / "evil.py"
        code.write_text(EVIL.format(mark=str(mark)))
        spec = json.loads((run.path / "spec.json").read_text())["spec"]
        if section == "metric":
            spec["protocol"]["metrics"].append(str(code))
        elif section == "dataset":
            spec["test"] = [str(code)]
        else:
            spec["target"] = f"{code}:Evil"
        (run.path / "spec.json").unlink()
        (run.path / "spec.yaml").write_text(strict_yaml.dump(spec))
        run.seal()
        return run, mark

    return make


@pytest.mark.parametrize("section", ["metric", "dataset", "method"])
@pytest.mark.parametrize(
    "verb", [["evaluate"], ["draw", "inside"], ["draw", "methods"], ["export"], ["leaderboard"]]
)
def test_f94_no_verb_executes_what_a_run_names(
    hostile, toy_root, tmp_path, monkeypatch, capsys, verb, section
):
    run, mark = hostile(section)
    words = [*verb, run.path, *([] if verb == ["leaderboard"] else ["--data", f"{DATA}={toy_root}"])]
    words += ["--to", tmp_path / "maps"] if verb == ["export"] else []
    words += ["--to", tmp_path / "m.png"] if verb == ["draw", "methods"] else []
    code, _, err = call(monkeypatch, capsys, *words)
    assert not mark.exists() and "Traceback" not in err
    needed = verb[0] != "leaderboard" and not (section == "method" and verb != ["draw", "inside"])
    assert (code == 5 and "error[UB502]" in err and "--trust" in err) if needed else code == 0


def test_what_the_user_names_is_imported(place, toy_root, tmp_path, monkeypatch, capsys):
    (run,) = execute(matrix("Glass"), place())
    words = ["draw", "inside", run.path, "--data", f"{DATA}={toy_root}", "--to", tmp_path]
    assert call(monkeypatch, capsys, *words)[0] == 5
    code, out, _ = call(monkeypatch, capsys, *words, "--trust", f"{METHODS}:Glass")
    assert code == 0 and "inside.png" in out
    shutil.rmtree(run.path)
