"""Files of a run that are sealed but hold what no run writes: one line from every verb, never a traceback."""

import json

import pytest

from tests.helpers.command import call
from tests.helpers.run_directories import run_directory
from uad_bench.errors import IntegrityError
from uad_bench.results.csv_tables import THRESHOLD_COLUMNS
from uad_bench.results.readable import check_readable

HEAD = ",".join(THRESHOLD_COLUMNS).encode() + b"\n"
DEEP = b"[" * 100_000
FORGED = {
    "splits.csv": [
        b"", b"\xe3", b"\x00,\n1,2\n", b"a" * 200_000, b"dataset,case_id\nphantom,c0\n",
        b"dataset,case_id,role,healthy,content\nphantom,c0,judge,False,x\n",
    ],
    "thresholds.csv": [
        HEAD + b"phantom,tune,0.1,many,x,False,\n", HEAD + b"phantom,tune,much,1,x,False,\n", HEAD + b"phantom\n",
    ],
    "fitted.json": [b"{", b"\xff", b"[1]", b'[{"step": "histogram"}]', DEEP],
    "audit.json": [b"3", b'[{"rule": "L1"}]', DEEP],
    "env.json": [b"[1]", DEEP],
    "spec.json": [DEEP],
}  # fmt: skip
CASES = [(name, content) for name, contents in FORGED.items() for content in contents]


@pytest.fixture
def run(tmp_path):
    made = run_directory(tmp_path / "runs")
    made.write_table("thresholds.csv", THRESHOLD_COLUMNS, [])
    for name in ("fitted.json", "audit.json"):
        made.write_json(name, [])
    made.seal()
    return made


def test_what_a_run_writes_is_readable(run):
    run.write_json("fitted.json", [{"step": "histogram", "parameters": {}, "saw": ["phantom/c0"]}])
    check_readable(run)


@pytest.mark.parametrize(("name", "content"), [case for case in CASES if case[1] or case[0] != "splits.csv"])
def test_a_forged_file_is_refused_in_one_line(run, name, content):
    (run.path / name).write_bytes(content)
    if name == "spec.json":  # spec.yaml is read in its place
        check_readable(run)
        return
    with pytest.raises(IntegrityError, match="not a readable run"):
        check_readable(run)


@pytest.mark.parametrize("verb", ["audit", "evaluate", "export", "leaderboard"])
@pytest.mark.parametrize(("name", "content"), CASES)
def test_no_verb_ends_in_a_traceback_over_a_forged_run(
    monkeypatch, capsys, tmp_path, run, verb, name, content
):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    (run.path / name).write_bytes(content)
    run.seal()
    # Without a folder that exists, the synthetic cohort would be generated where nothing is found wrong before.
    more = {"export": ["--to", tmp_path / "maps"], "evaluate": ["--data", f"phantom={tmp_path / 'none'}"]}
    words = more.get(verb, [])
    code, out, err = call(monkeypatch, capsys, verb, tmp_path / "runs", *words)
    assert code in {0, 2, 3, 5, 7, None}
    assert "Traceback" not in out + err


@pytest.mark.parametrize("state", ["cmplete", "", None, ["complete"], 1])
def test_a_state_that_no_run_has_is_refused(run, state):
    run.set_state(state)
    with pytest.raises(IntegrityError, match=r"no readable status\.json"):
        run.status()


def test_a_status_nested_too_deeply_is_refused(run):
    (run.path / "status.json").write_bytes(DEEP)
    with pytest.raises(IntegrityError, match=r"status\.json"):
        run.status()
    assert json.loads((run.path / "digests.json").read_text())


@pytest.mark.parametrize("lost", [["spec.yaml"], ["spec.yaml", "spec.json"]])
def test_a_run_that_has_lost_its_specification_is_never_left_out_in_silence(monkeypatch, capsys, run, lost):
    for name in lost:
        (run.path / name).unlink()
    code, _, err = call(monkeypatch, capsys, "leaderboard", run.path.parent)
    assert code == 7 and "left out: the run has no spec.yaml" in err
