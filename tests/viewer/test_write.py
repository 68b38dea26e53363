"""The viewer of toy runs: what is removed, left out and linked, from the command line too."""

import re
import shutil
from dataclasses import replace
from urllib.parse import unquote

import pytest

from tests.helpers import runs as toy_runs
from tests.helpers.command import call
from tests.helpers.toy_data import make
from uad_bench.cohort.discovery import Sources
from uad_bench.errors import DataError, UsageError
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.collect import collect
from uad_bench.pipeline.run_job import Workplace
from uad_bench.viewer import case_scripts, write
from uad_bench.viewer.script_files import script


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The folder, the runs and the sources of two methods on the toy cohort."""
    root = tmp_path_factory.mktemp("viewer")
    sources = Sources(root / "cache", {"toy_data": make(root / "data")})
    specs = toy_runs.matrix("thresh", "atlas-z")
    return root, toy_runs.execute(specs, Workplace(root / "runs", sources, threads=1)), sources


@pytest.fixture(autouse=True)
def no_library(monkeypatch):
    monkeypatch.setattr(write, "niivue_script", lambda: b"niivue = {};\n")


def written(toy, folder, count=3, methods=2, found=None):
    collected = collect(toy[1][:methods])
    return write.write_viewer(found or tables(collected.runs), collected, count, folder, toy[2])


def scripts(folder):
    return {path.relative_to(folder / "cases").as_posix() for path in (folder / "cases").rglob("*.js")}


def test_i17_fewer_cases_and_methods_leave_no_earlier_image_or_map(toy, tmp_path):
    assert written(toy, tmp_path).cases == 3 and len(scripts(tmp_path)) == 9
    (tmp_path / "cases" / "notes.txt").write_text("mine")
    assert written(toy, tmp_path, count=1, methods=1).cases == 1
    assert scripts(tmp_path) == {"0/0/case.js", "0/0/map0.js"}
    assert (tmp_path / "cases" / "notes.txt").is_file()


def test_i17_a_folder_of_another_page_keeps_its_files(toy, tmp_path):
    other = tmp_path / "cases" / "5" / "0" / "case.js"
    other.parent.mkdir(parents=True)
    other.write_bytes(script("5/0/case", {}))
    written(toy, tmp_path, count=1)
    assert other.is_file()


def test_i17_a_table_that_cannot_be_shown_is_an_error_beside_the_others(toy, tmp_path, caplog):
    (table,) = tables(collect(toy[1]).runs)
    rows = [replace(row, values={}) for row in table.rows]
    empty = replace(table, rows=rows, lesion=99)  # 99: it would be the first table of the page
    done = written(toy, tmp_path, count=1, found=[empty, table])
    assert [error.code for error in done.errors] == [
        "UB346"
    ] and "no case of the table has a value" in caplog.text
    assert done.cases == 1 and [list(of.values()) for of in done.links.values()] == [["#case=0/0"]]


def test_i17_where_no_table_can_be_shown_the_reason_is_the_true_one(toy, tmp_path):
    (table,) = tables(collect(toy[1]).runs)
    other = replace(table, key=table.key._replace(fingerprint="0" * 12))
    for found, reason in [
        (
            [replace(table, rows=[replace(row, values={}) for row in table.rows])],
            "has a value of ap for thresh",
        ),
        ([other, other], "the table has no complete run; other tables that cannot be shown: 1"),
    ]:
        with pytest.raises(UsageError, match=reason) as caught:
            written(toy, tmp_path, found=found)
        assert caught.value.code == "UB243" and not (tmp_path / "index.js").exists()


def test_a_table_whose_data_are_not_here_does_not_stop_the_others(toy, tmp_path, monkeypatch, caplog):
    (table,) = tables(collect(toy[1]).runs)
    gone = [DataError("no folder is known for dataset 'x'", code="UB301")]
    present = write.available

    def available(run, rows, sources):
        if gone:
            raise gone.pop()
        return present(run, rows, sources)

    monkeypatch.setattr(write, "available", available)
    first = replace(table, lesion=99)  # 99: it would be the first table of the page
    done = written(toy, tmp_path, count=1, found=[first, table])
    assert done.cases == 1 and scripts(tmp_path) == {"0/0/case.js", "0/0/map0.js", "0/0/map1.js"}
    assert [error.code for error in done.errors] == ["UB346"]
    assert "left out of the viewer: no folder is known for dataset 'x'" in caplog.text


def test_data_without_the_cases_of_the_only_table_leave_nothing_to_show(toy, tmp_path, caplog):
    other = Sources(toy[0] / "cache", {"toy_data": make(tmp_path / "data", healthy=1, lesions=0)})
    with pytest.raises(
        UsageError, match="none of its 2 chosen cases is in the data: the case is not in"
    ) as caught:
        written((*toy[:2], other), tmp_path / "viewer", count=2)
    assert caught.value.code == "UB243" and not (tmp_path / "viewer").exists()
    assert caplog.text.count("left out of the viewer: the case is not in the data") == 2


def test_i17_kinds_and_rules_have_no_hidden_characters(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(case_scripts, "case_label", lambda member: "kind\u202e")
    monkeypatch.setattr(case_scripts, "thresholds", lambda viewed, dataset: {"rule\u200b": 0.5})
    written(toy, tmp_path, count=1)
    case = tmp_path / "cases" / "0" / "0"
    assert r'"kind\\u202e"' in (case / "case.js").read_text()
    assert r'"rule\\u200b"' in (case / "map0.js").read_text()


def leaderboard(toy, monkeypatch, capsys, *words):
    """Exit code, stdout and stderr of `leaderboard` on the toy runs with the maps of one case."""
    data = f"{toy_runs.DATA}={toy[0] / 'data'}"
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy[0] / "cache"))
    return call(monkeypatch, capsys, "leaderboard", *words, "--viewer", "1", "--data", data)


@pytest.mark.parametrize("name", ["maps #1", "50%25 or more?", "a:b & c", "läsion"])
def test_i17_links_to_a_folder_with_any_name_lead_there(toy, tmp_path, monkeypatch, capsys, name):
    page = tmp_path / "index.html"
    words = [toy[0] / "runs", "--format", "html", "--to", page, "--viewer-to", tmp_path / name]
    code, _, err = leaderboard(toy, monkeypatch, capsys, *words)
    assert code == 0, err
    (link, *_) = re.findall(r'href="([^"]*#case=[^"]*)"', page.read_text(encoding="utf-8"))
    path, _, fragment = link.partition("#")
    assert "?" not in path and ":" not in path and fragment == "case=0/0"
    assert (tmp_path / unquote(path)).is_file()


def test_i17_a_run_without_maps_is_left_out_with_exit_code_7(toy, tmp_path, monkeypatch, capsys):
    runs = shutil.copytree(toy[0] / "runs", tmp_path / "runs")
    (maps,) = runs.glob("*/atlas-z/*/maps")
    shutil.rmtree(maps)
    code, _, err = leaderboard(toy, monkeypatch, capsys, runs, "--viewer-to", tmp_path / "viewer")
    assert code == 7 and "1 cases, runs or tables are left out of the viewer" in err
    (maps,) = runs.glob("*/thresh/*/maps")
    shutil.rmtree(maps)
    code, _, err = leaderboard(toy, monkeypatch, capsys, runs, "--viewer-to", tmp_path / "viewer")
    assert code == 2 and "UB243" in err and "no run of the table has stored maps" in err
