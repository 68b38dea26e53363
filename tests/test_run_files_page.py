"""docs/run_files.md names every file, column and key that the code writes, and no other; its examples run."""

import csv
import dataclasses
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.main import get_command

from tests.helpers import handmade
from tests.helpers.run_figures import drawn_figures
from tests.helpers.runs import execute, matrix
from uad_bench import load_run
from uad_bench.cli import app
from uad_bench.cohort.discovery import Sources
from uad_bench.data.audit.findings import Finding
from uad_bench.errors import DataError
from uad_bench.leaderboard.render.csv_json import LONG_COLUMNS, long_csv
from uad_bench.leaderboard.statistic_types import Contrast
from uad_bench.pipeline import run as pipeline
from uad_bench.pipeline.predict.table import COLUMNS as PREDICTION_COLUMNS
from uad_bench.pipeline.run_job import Workplace
from uad_bench.pipeline.score import COLUMNS as FAILURE_COLUMNS
from uad_bench.prepare.fit_steps import FittedStep
from uad_bench.results import csv_tables
from uad_bench.results.run_directory import SEALED, STATES, RunDir

TEXT = (Path(__file__).parents[1] / "docs" / "run_files.md").read_text()
TABLES = {
    "cases.csv": csv_tables.CASE_COLUMNS,
    "metrics.csv": (*csv_tables.METRIC_COLUMNS, csv_tables.VALUE_RANGE),
    "thresholds.csv": csv_tables.THRESHOLD_COLUMNS,
    "splits.csv": csv_tables.SPLIT_COLUMNS,
}
#: Files that a complete run of a method without training lacks, and a key of a resumed training.
ABSENT = {"checkpoints/", "train.csv", "training.png", "failures.csv", "lock.lease"}
INSIDE = {"inside.png", "inside-density.png", "inside-places.png"}
RESUMED = {"continued_with"}
TYPES = {"text": str, "integer": int, "float": float, "truth value": {"True": 1, "False": 0}.__getitem__}


def section(heading):
    """The text below a heading of the page."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


def rows(heading, head):
    """The cells of the rows of each table of a section whose first column is called `head`."""
    for lines in re.findall(rf"^\| {head} .*\n\|---.*\n((?:\|.*\n)+)", section(heading), re.MULTILINE):
        for line in lines.splitlines():
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def code_words(text):
    return re.findall(r"`([^`]+)`", text)


def named(heading, head):
    """The names in the first cells of these rows; a cell may hold several."""
    return [word for cells in rows(heading, head) for word in code_words(cells[0])]


@pytest.fixture(scope="module")
def place(tmp_path_factory, toy_root, toy_cache):
    return Workplace(tmp_path_factory.mktemp("runs"), Sources(toy_cache, {"toy_data": toy_root}), threads=1)


@pytest.fixture(scope="module")
def run(place):
    """A complete run of a method that has nothing to train."""
    with drawn_figures():
        (run,) = execute(matrix("thresh"), place)
    return run


@pytest.fixture(scope="module")
def failed(place, run):
    """A run that takes the model of `run` and ends with an error."""

    def fail(*_):
        raise DataError("no result")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "evaluate_run", fail)
        with pytest.raises(DataError):
            execute(matrix("thresh", more=((["protocol", "postprocess"], []),)), place)
    (other,) = (folder for folder in run.path.parent.iterdir() if folder != run.path)
    return RunDir(other)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_columns_of_the_page_in_their_order(name):
    assert named(f"`{name}`", "column") == list(TABLES[name])


@pytest.mark.parametrize("name", TABLES)
def test_the_cells_of_a_table_have_the_types_of_the_page(name, run):
    found = run.table(name)
    assert found and set(found[0]) == set(TABLES[name]) - {csv_tables.VALUE_RANGE}
    for names, type_, _, empty in rows(f"`{name}`", "column"):
        cells = [row[column] for row in found for column in code_words(names) if column in row]
        assert "" not in cells or empty != "never", names
        assert all(TYPES[type_](cell) is not None for cell in cells if cell)


def test_the_small_tables_have_the_columns_of_the_page(run, tmp_path):
    new = RunDir(tmp_path)
    new.append_training({"phase": "phase0", "step": 0, "loss": 0.5})
    heads = {
        "left_out.csv": (run.path / "left_out.csv").read_text().strip().split(","),
        "failures.csv": list(FAILURE_COLUMNS),
        "train.csv": list(new.table("train.csv")[0]),
    }
    page = {
        code_words(file)[0]: code_words(re.sub(r"\([^()]*\)", "", columns))
        for file, columns in rows("`left_out.csv`, `failures.csv`, `train.csv`", "file")
    }
    assert page == heads


def test_the_commands_that_read_a_file_exist():
    for _, _, readers in rows("Files", "file"):
        for words in set(code_words(readers)) - {"load_run", "RunDir.sketches"}:
            command = get_command(app)
            for verb in words.partition(" --")[0].split():
                assert verb in getattr(command, "commands", {}), words
                command = command.commands[verb]


def test_the_page_names_the_files_of_a_run(run):
    page = named("Files", "file")
    found = {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}
    found = {re.sub(r"^(maps|sketches)/toy_data(/[^/]+)?\.", _general, name) for name in found}
    found = {"model/" if name.startswith("model/") else name for name in found} | {"model/"}
    assert len(page) == len(set(page)) and set(page) == found | ABSENT | INSIDE
    assert set(SEALED) <= set(page)


def _general(match):
    return f"{match[1]}/DATASET{'/CASE' if match[2] else ''}."


def test_digests_are_of_the_files_that_the_page_says(run):
    sealed = {name.partition("/")[0] for name in json.loads((run.path / "digests.json").read_text())}
    page = [name.partition("/")[0] for name in named("Files", "file")]
    above = set(page[: page.index("digests.json")])
    left_out = {
        "checkpoints",
        "train.csv",
        "failures.csv",
        "sheet.png",
        "dice.png",
        "dice.svg",
        "training.png",
    }
    assert sealed | {"model"} == above - left_out - INSIDE


def test_the_page_names_the_keys_of_status_json(run, failed):
    keys = {*run.status(), *failed.status()}
    assert sorted(named("`status.json`", "key")) == sorted(keys)
    assert failed.status()["model_of"] == run.name


def test_the_page_names_every_state():
    (text,) = re.findall(r"^The state is .*?\n\n", section("`status.json`"), re.DOTALL | re.MULTILINE)
    assert sorted(set(code_words(text)) - {"--fresh"}) == sorted(STATES)


def test_the_page_names_the_keys_of_env_json(run):
    machine = run.environment()
    assert sorted(named("`env.json`", "key")) == sorted({*machine, *RESUMED})
    (text,) = (cells[1] for cells in rows("`env.json`", "key") if cells[0] == "`method`")
    assert sorted(code_words(text)) == sorted(machine["method"])


def test_the_page_names_the_keys_of_the_other_json_files(run):
    text = section("Files")
    for file, cls in (("audit.json", Finding), ("fitted.json", FittedStep)):
        (keys,) = re.findall(rf"`{file}` is a list of objects with (.*?)[.;]\n?", text, re.DOTALL)
        keys = code_words(re.sub(r"\([^()]*\)", "", keys))
        assert sorted(keys) == sorted(field.name for field in dataclasses.fields(cls))
    (cells,) = (cells for cells in rows("Files", "file") if "`spec.json`" in cells[0])
    assert set(code_words(cells[1])) == set(json.loads((run.path / "spec.json").read_text()))


def test_the_page_names_the_arrays_of_maps_and_resamples(run):
    text = section("Maps and resamples")
    (of_maps,) = re.findall(r"^Its arrays are (.*?)Outside", text, re.DOTALL | re.MULTILINE)
    (of_draws,) = re.findall(r"`draws.npz` holds (.*?), the bytes", text, re.DOTALL)
    with np.load(next(run.path.glob("maps/*/*.npz"))) as kept, np.load(run.path / "draws.npz") as drawn:
        assert set(code_words(of_maps)) - {"map_bits: 16"} == set(kept.files)
        assert set(code_words(of_draws)) == set(drawn.files)
        assert drawn["values"].shape == (len(json.loads(drawn["names"].tobytes())), 1000)


def test_the_examples_run_and_give_the_values_of_the_run(run, tmp_path, monkeypatch):
    folder = tmp_path / "runs" / "phantom" / "patch2loc-conv"
    folder.mkdir(parents=True)
    (folder / run.path.name).symlink_to(run.path)
    monkeypatch.chdir(tmp_path)
    found = {}
    for example in re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE):
        exec(example, found)
    expected = {row["group"]: row for row in run.table("metrics.csv") if row["metric"] == "ap.case"}
    means = found["means"].loc["toy_data"]
    assert set(means.index) == {"a", "b"} and np.array_equal(found["values"], found["again"])
    for kind, mean, count in means.itertuples():
        assert mean == pytest.approx(float(expected[kind]["value"])) and count == int(expected[kind]["n"])


def test_load_run_adds_the_columns_of_the_page(run):
    (text,) = re.findall(r"with the further columns (.*?);", TEXT)
    frame = load_run(run.path).cases
    assert isinstance(frame, pd.DataFrame)
    assert sorted([*code_words(text), *csv_tables.CASE_COLUMNS]) == sorted(frame.columns)


def test_the_page_names_the_columns_of_the_leaderboard():
    assert sorted(named("The leaderboard's CSV", "column")) == sorted(LONG_COLUMNS)


def test_the_page_names_the_origins_and_the_costs():
    full = handmade.full_rows()
    full[2] = dataclasses.replace(full[2], to_reference=Contrast("atlas-z", "ap.case", *[None] * 8))
    lines = list(csv.DictReader(io.StringIO(long_csv([handmade.table(full)]))))
    origins = {re.sub(": .*", ": SOURCE", line["origin"]) for line in lines}
    assert sorted(named("The leaderboard's CSV", "origin")) == sorted(origins)
    costs = {line["metric"] for line in lines if line["origin"] == "cost"}
    (cells,) = (cells for cells in rows("The leaderboard's CSV", "origin") if cells[0] == "`cost`")
    assert set(code_words(cells[2])) - {"metric", "group"} == costs


def test_the_page_names_the_columns_of_predictions():
    assert sorted(named("`predictions.tsv`", "column")) == sorted(PREDICTION_COLUMNS)
