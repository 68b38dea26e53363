"""Formats: all of them, harmless names, empty results, and bytes that depend on the runs alone."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import handmade
from uad_bench.errors import UsageError
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.render.csv_json import LONG_COLUMNS
from uad_bench.leaderboard.render.render import FORMATS, render
from uad_bench.leaderboard.table import Cell, Row

ROOT = Path(__file__).parents[3]
HARMFUL = ["<script>alert(1)</script>", "a|b", '=HYPERLINK("x")', "＝1+1", "ab\u202ecd\u200f"]


@pytest.mark.parametrize("form", FORMATS)
def test_no_tables_are_a_valid_text(form):
    text = render([], form)
    expected = {"csv": ",".join(LONG_COLUMNS), "json": '{\n "tables": []\n}'}
    assert text == expected.get(form, "no results") + "\n" or (form == "html" and "<p>no results</p>" in text)


def test_another_format_is_refused_with_a_suggestion():
    with pytest.raises(UsageError, match="markdown"):
        render([], "markdwn")


def test_strata_are_on_the_page_and_in_the_data_only():
    for form in FORMATS:
        assert ("site=HH" in render([handmade.table()], form)) == (form in {"html", "csv", "json"})


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_name_is_harmless_in_every_format(form, name):
    rows = [
        Row(1, name, name, False, False, 1, 1, {("all", "ap.case"): Cell(0.3, None, 1, 30, 0)}, marks=(name,))
    ]
    text = render([handmade.table(rows, test=name, not_comparable=name)], form)
    assert not set(text) & set("\u202e\u200f")
    assert "<script>alert" not in text or form == "csv"
    if form == "csv":
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [cell for cell in cells if cell[:1] in set("=+@＝")]
    if form == "markdown":
        assert "| a|b |" not in text


@pytest.mark.parametrize("form", FORMATS)
def test_equal_runs_give_equal_bytes(make_run, form):
    runs = [
        make_run(m, s, values={"ap.pooled": s / 7, "ap.case": 0.2}) for m in ("vae", "ae") for s in range(3)
    ]
    assert render(tables(runs), form) == render(tables(runs[::-1]), form)


SCRIPT = """
import hashlib, random, sys
from tests.helpers.many_runs import simulated_runs
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.render.render import FORMATS, render
runs = list(simulated_runs(12, datasets=2, seeds=3))
found = tables(random.Random(int(sys.argv[1])).sample(runs, len(runs)))
text = repr(found) + "".join(render(found, form) for form in FORMATS)
print(hashlib.sha256(text.encode()).hexdigest())
"""
ENVIRONMENTS = [
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C", "OMP_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "2", "TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "OMP_NUM_THREADS": "2"},
]


def test_f80_the_bytes_depend_on_no_locale_clock_seed_or_folder(tmp_path):
    path = os.pathsep.join(str(ROOT / part) for part in ("", "methods", "datasets"))
    digests = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(i)], cwd=(ROOT, tmp_path)[i],
            env=os.environ | {"PYTHONPATH": path} | environment, capture_output=True, text=True, check=True,
        ).stdout
        for i, environment in enumerate(ENVIRONMENTS)
    ]  # fmt: skip
    assert len(digests[0]) == 65 and digests[0] == digests[1]
