"""A row whose parameters are not those of the preset says so, whatever other rows there are."""

import pytest

from tests.helpers.command import call
from tests.helpers.runs import DATA, HERE, execute, matrix
from uad_bench.pipeline.matrix import Matrix
from uad_bench.pipeline.method_names import changed_parameters


def spec(*methods, **settings):
    pairs = [(key.split("."), value) for key, value in settings.items()]
    return Matrix(list(methods), settings=pairs).specs()[0]


def test_parameters_of_preset_and_variant_are_not_changed():
    assert changed_parameters(spec("dae")) == {}
    assert changed_parameters(spec("dae:positive")) == {}
    assert changed_parameters(spec("patch2loc")) == {}
    assert changed_parameters(spec("patch2loc", **{"patch2loc.usual": 3}))["usual"] == 3


def test_changed_ones_are_named_and_the_papers_own_are_called_so():
    assert changed_parameters(spec("dae", **{"dae.steps": 100})) == {"steps": 100}
    assert changed_parameters(spec("dae:positive", **{"dae.steps": 100})) == {"steps": 100}
    assert changed_parameters(spec("paper/dae")) == {"defaults": "paper"}
    assert set(changed_parameters(spec("paper/dae", **{"dae.width": 8}))) >= {"width", "steps"}


@pytest.mark.parametrize("form", ["text", "markdown", "csv", "latex", "json", "html"])
def test_every_table_says_so_even_of_a_single_row(place, monkeypatch, capsys, form):
    (run,) = execute(matrix("Blur", more=[(["blur", "steps"], 7)]), place())
    code, out, _ = call(monkeypatch, capsys, "leaderboard", run.path, "--format", form)
    assert code == 0 and "steps=7" in "".join(out.split())


def test_a_run_ends_by_naming_where_its_results_are(
    place, toy_root, toy_cache, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    words = [
        "run",
        "thresh",
        "--protocol",
        HERE / "toy.yaml",
        "--set",
        f"protocol.train={DATA}",
        "--test",
        DATA,
    ]
    code, out, _ = call(
        monkeypatch, capsys, *words, "--data", f"{DATA}={toy_root}", "--out", tmp_path / "runs"
    )
    (line,) = [line for line in out.splitlines() if line.startswith("results: ")]
    assert code == 0 and (tmp_path / "runs" / "toy" / "thresh").as_posix() in line
