"""The verbs as a person types them: one line for every mistake, the right exit code, no traceback."""

import os
import subprocess
import sys

import pytest

from tests.helpers.command import call
from uad_bench.cli import options as verb_options
from uad_bench.errors import Terminated
from uad_bench.prepare.cache.prepared_case import prepare_case
from uad_bench.support import environment

BAD = [
    (["run", "patch2lok"], 2, "did you mean patch2loc"),
    (["run", "patch2loc:convv"], 2, "did you mean conv"),
    (["run", "thresh", "--protocol", "fantom"], 2, "did you mean phantom"),
    (["run", "thresh", "--test", "mslubb"], 2, "did you mean mslub"),
    (["run", "thresh", "--set", "thresh.modee=1"], 2, "did you mean mode"),
    (["run", "thresh", "--set", "protocol.grid.spacin=1"], 2, "did you mean spacing"),
    (["run", "thresh", "--set", "nonsense"], 2, "KEY=VALUE"),
    (["run", "thresh", "--seeds", "a"], 2, "--seeds 'a'"),
    (["run", "thresh", "--seeds", "-3"], 2, "--seeds '-3'"),
    (["run", "thresh", "--data", "mslub"], 2, "NAME=FOLDER"),
    (["run", "thresh", "--device", "cuda:99"], 6, "--device auto"),
    (["run", "thresh", "--precision", "fp64"], 2, "precision"),
    (["run", "thresh", "--set", "methods.thresh=3"], 2, "methods.thresh"),
    (["run", "ae", "--set", "ae.steps=true"], 2, "steps is a number"),
    (["run", "ae", "--set", "ae.steps=12:30"], 2, "steps"),
    (["run", "ae", "--set", "ae.lr=.nan"], 2, "finite"),
    (["run", "thresh", "--set", "thresh.mode=!!python/name:os.system"], 5, "refused YAML tag"),
    (["run", "thresh", "--set", "protocol.metrics=[apx]"], 2, "apx"),
    (["run", "thresh", "--test", "mslub"], 3, "--data mslub="),
    (["run", "thresh", "--test", "mslub", "--data", "mslub=/no/such/folder"], 3, "/no/such/folder"),
    (["run"], 2, "METHOD"),
    (["rum"], 2, "rum"),
    (["list", "method"], 2, "did you mean methods"),
    (["show", "nothing-like-it"], 2, "no method, dataset, metric or protocol is named"),
    (
        ["show", "healthy_q98"],
        2,
        "it is a threshold rule, see docs/metrics.md: the threshold is the 98 % quantile",
    ),
    (["show", "patch2lok"], 2, "did you mean patch2loc"),
    (["leaderboard", "/no/such/folder"], 2, "no such folder"),
    (["leaderboard", ".", "--format", "docx"], 2, "docx"),
]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("UAD_BENCH_DATA", raising=False)


@pytest.mark.parametrize(("words", "code", "text"), BAD, ids=[" ".join(w) for w, _, _ in BAD])
def test_a_mistake_is_one_line_with_what_to_do(monkeypatch, capsys, tmp_path, words, code, text):
    if words[0] == "run" and len(words) > 1:
        words = [*words, "--out", str(tmp_path / "runs"), "--quiet"]
    found, _, err = call(monkeypatch, capsys, *words)
    assert (found, text in err) == (code, True), err
    assert err.startswith("error[UB") and err.count("\n") == 1


VERBS = ["", "run", "list", "show", "prepare", "evaluate", "leaderboard", "check", "doctor", "schema", "audit",
         "export", "data", "data import", "data check", "data report", "cache", "cache prune", "draw",
         "draw inside", "draw training", "draw methods", "new"]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(monkeypatch, capsys, verb):
    code, out, _ = call(monkeypatch, capsys, *verb.split(), "--help")
    assert code == 0 and "Usage:" in out


def test_doctor_says_what_is_here(monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, "doctor")
    assert code == 0 and "torch" in out and "threads" in out


def test_no_results_is_an_empty_table_not_an_error(monkeypatch, capsys, tmp_path):
    code, out, _ = call(monkeypatch, capsys, "leaderboard", str(tmp_path))
    assert code == 0 and "no results" in out


def test_the_page_and_the_figures_go_where_they_are_sent(monkeypatch, capsys, tmp_path):
    page, plots = tmp_path / "board.html", tmp_path / "plots"
    words = ["leaderboard", str(tmp_path), "--format", "html", "--to", str(page), "--plots", str(plots)]
    code, out, err = call(monkeypatch, capsys, *words)
    assert (code, out) == (0, "") and "0 figures in" in err
    assert "<p>no results</p>" in page.read_text()


HEAVY = {
    "numpy",
    "torch",
    "pandas",
    "sklearn",
    "scipy",
    "torchio",
    "nibabel",
    "matplotlib",
    "nilearn",
    "monai",
    "SimpleITK",
}


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["list"]])
def test_nothing_heavy_is_imported_on_the_way(words):
    """Nor are the models of protocols built for a list of names."""
    script = (
        "import sys; sys.argv = ['uad-bench', *sys.argv[1:]]\n"
        "from uad_bench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('HEAVY', sorted(set(sys.modules) & set(" + repr(HEAVY | {"uad_bench.config"}) + ")))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True,
                          env={**os.environ})  # fmt: skip
    assert done.stdout.strip().endswith("HEAVY []")


def test_the_package_alone_imports_nothing_but_itself_and_importlib():
    script = "import sys, typing, importlib; known = {*sys.modules}; import uad_bench; print({*sys.modules} - known)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'uad_bench'}"


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["doctor"], "finished work is kept"),
        (["run", "thresh"], "finished work is kept, --resume continues"),
        (["run", "thresh", "--fresh"], "finished work is kept, --resume without --fresh continues"),
    ],
)
def test_whoever_stops_it_is_told_what_is_kept(monkeypatch, capsys, stop, code, words, kept):
    """F77, F78. Verbs without the option --resume do not name it."""
    monkeypatch.setattr(environment, "describe", lambda *_: (_ for _ in ()).throw(stop))
    monkeypatch.setattr(verb_options, "show_messages", lambda *_: (_ for _ in ()).throw(stop))
    left, _, err = call(monkeypatch, capsys, *words)
    assert (left, err.strip()) == (code, f"interrupted: {kept}")


def test_the_cache_is_listed_verified_and_pruned(monkeypatch, capsys, toy_case, tmp_path):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    steps = [{"step": "canonical"}, {"step": "brain_mask"}, {"step": "scale"}]
    one, two = (
        prepare_case(toy_case(name, seed=i), ["t2"], steps, tmp_path / "cache") for i, name in enumerate("ab")
    )
    code, out, _ = call(monkeypatch, capsys, "cache", "list")
    assert code == 0 and "2 entries" in out
    raw = (two.folder / "image.npy").read_bytes()
    (two.folder / "image.npy").write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    code, out, err = call(monkeypatch, capsys, "cache", "verify")
    assert code == 5 and str(two.folder) in out and "UB506" in err
    assert call(monkeypatch, capsys, "cache", "verify", "--remove")[0] == 0
    assert one.folder.is_dir() and not two.folder.exists()
    assert call(monkeypatch, capsys, "cache", "prune")[0] == 2
    assert call(monkeypatch, capsys, "cache", "prune", "--dataset", "other")[1].startswith("0 entries")
    assert call(monkeypatch, capsys, "cache", "prune", "--all", "--dry-run")[1].startswith(
        "1 entries would be removed"
    )
    assert one.folder.is_dir()
    assert call(monkeypatch, capsys, "cache", "prune", "--all")[1].startswith("1 entries removed")
    assert not one.folder.exists()
