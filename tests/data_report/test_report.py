"""The report on a prepared dataset: a page and sheets."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from matplotlib.image import imread

from tests.helpers.toy_data import make
from uad_bench.cli.data import verbs as data_verb
from uad_bench.config import load_protocol
from uad_bench.data_report import report
from uad_bench.data_report.report import write_report
from uad_bench.errors import DataError, PartialFailure
from uad_bench.prepare.cache.prepared_case import prepare_case

HERE = Path(__file__).parents[1] / "helpers"
DATA = str(HERE / "toy_data.py")


@pytest.fixture(autouse=True)
def small_sheets(monkeypatch):
    """Two cases per sheet, since drawing a case takes 0.2 s."""
    monkeypatch.setattr(report, "CASES_PER_SHEET", 2)


@pytest.fixture(scope="module")
def protocol():
    return load_protocol(str(HERE / "toy.yaml"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make(tmp_path_factory.mktemp("toy"), healthy=1, lesions=1)


@pytest.fixture(scope="module")
def done(data, protocol, tmp_path_factory):
    """Three prepared cases."""
    from tests.helpers.toy_data import ToyData

    cache = tmp_path_factory.mktemp("cache")
    return [prepare_case(case, ["t2"], protocol.steps, cache) for case in ToyData().discover(data)]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_case_is_on_a_sheet_and_linked_from_the_page(done, protocol, tmp_path):
    page = write_report(tmp_path, "toy", protocol, done, [], 1)
    assert names(tmp_path) == ["report.html", "sheet-001.png", "sheet-002.png"]
    html = page.read_text()
    assert re.findall(r'src="([^"]+)"', html) == ["sheet-001.png", "sheet-002.png"]
    links = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', html)
    assert sorted(name for _, name in links) == [one.case.case_id for one in done]
    assert [sheet for sheet, _ in links] == ["sheet-001.png"] * 2 + ["sheet-002.png"]
    assert protocol.fingerprint in html and "3 prepared, 0 failed" in html
    heights = [imread(tmp_path / f"sheet-00{i}.png").shape[0] for i in (1, 2)]
    assert heights[0] > 1.5 * heights[1]


def test_a_report_of_one_case(done, protocol, tmp_path):
    write_report(tmp_path, "toy", protocol, done[:1], [], 1)
    assert names(tmp_path) == ["report.html", "sheet-001.png"]


def test_failed_cases_are_listed_even_if_all_failed(protocol, tmp_path):
    error = DataError("truncated", where="c7, c7_t2.nii.gz", hint="copy it again", code="UB322")
    html = write_report(tmp_path, "toy", protocol, [], [error], 1).read_text()
    assert "0 prepared, 1 failed" in html and "c7_t2.nii.gz" in html and "UB322" in html
    assert names(tmp_path) == ["report.html"]


def test_a_case_with_warnings_comes_first_and_they_are_below_its_sheet(done, protocol, tmp_path):
    last = done[-1]
    entry = {"step": "register", "figures": {"warnings": ["mask Dice 0.91"], "dice": 0.91}, "atlas": ""}
    warned = replace(last, record={**last.record, "steps": [*last.record["steps"], entry] * 2})
    html = write_report(tmp_path, "toy", protocol, [*done[:-1], warned], [], 1).read_text()
    order = re.findall(r'<a href="#[^"]+">([^<]+)</a>', html)
    assert order[0] == last.case.case_id
    assert f"<b>{last.case.case_id}</b>" in html and "mask Dice 0.91" in html


def test_two_workers_write_the_same_bytes(done, protocol, tmp_path):
    for folder, workers in ((tmp_path / "1", 1), (tmp_path / "2", 2)):
        write_report(folder, "toy", protocol, done, [], workers)
    assert names(tmp_path / "1") == names(tmp_path / "2")
    for name in names(tmp_path / "1"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_sheets_of_an_earlier_longer_report_are_deleted(done, protocol, tmp_path):
    (tmp_path / "sheet-notes.png").write_bytes(b"mine")
    write_report(tmp_path, "toy", protocol, done, [], 1)
    write_report(tmp_path, "toy", protocol, done[:2], [], 1)
    assert names(tmp_path) == ["report.html", "sheet-001.png", "sheet-notes.png"]


def test_the_verb_writes_the_page_and_fails_where_a_case_failed(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"
    make(root, healthy=2, lesions=1)
    (root / "h01_t2.nii.gz").write_bytes(b"not a volume")
    app = typer.Typer()
    app.command()(data_verb.report)
    monkeypatch.setattr(sys, "argv", ["report"])
    words = [DATA, "--protocol", str(HERE / "toy.yaml"), "--data", f"{DATA}={root}", "--workers", "1"]
    with pytest.raises(PartialFailure, match="1 cases cannot be prepared"):
        app([*words, "--to", str(tmp_path / "out")], standalone_mode=False)
    assert "3 of 4 cases, outliers first" in capsys.readouterr().out
    assert "h01" in (tmp_path / "out" / "report.html").read_text()
