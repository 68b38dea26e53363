"""CSV and JSON: complete, in full precision, with stable names, and no formulas."""

import csv
import io
import json
from dataclasses import replace

import pytest

from tests.helpers import handmade
from tests.helpers.hostile_names import NAMES
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.published import COLUMNS, read
from uad_bench.leaderboard.render.csv_json import LONG_COLUMNS, long_csv, strict_json
from uad_bench.leaderboard.render.escape import printable
from uad_bench.leaderboard.table import Cell

VALUES = {
    "ap.pooled": 0.146, "prevalence.pooled": 0.0226, "dice@healthy_q98": 0.1, ("healthy", "fpr@healthy_q98"): 0.02,
    ("ms", "ap.pooled"): 0.01,
}  # fmt: skip


@pytest.fixture
def hostile(make_run):
    return tables(make_run(name, values=VALUES) for name in NAMES)


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_no_formula_and_every_value(hostile):
    rows = read_csv(long_csv(hostile))
    assert tuple(rows[0]) == LONG_COLUMNS and len(rows) == len(NAMES) * len(VALUES)
    assert not [cell for row in rows for cell in row.values() if cell[:1] in set("=+-@\t\r")]
    assert {row["method"].removeprefix("'") for row in rows} == {printable(name) for name in NAMES}


def test_csv_reads_back_equal(make_run):
    runs = [make_run("ae", s, values=VALUES | {"ap.pooled": 0.14 + s / 100}) for s in range(3)]
    (table,) = tables([*runs, make_run("thresh", deterministic=True, values={"ap.pooled": 0.05})])
    rows = read_csv(long_csv([table]))
    found = {
        (row["method"], row["group"], row["metric"]): (float(row["mean"]), row["sd"], row["sd_note"])
        for row in rows
    }
    expected = {
        (row.label, *name): (cell.mean, "" if cell.sd is None else repr(cell.sd))
        for row in table.rows for name, cell in row.cells.items()
    }  # fmt: skip
    assert {name: value[:2] for name, value in found.items()} == expected
    assert found["thresh", "all", "ap.pooled"][2] == "n/a (deterministic)"


def test_csv_lists_reported_results_as_such(make_run, tmp_path):
    (tmp_path / "a.csv").write_text(",".join(COLUMNS) + "\nae,c,phantom,t2,9,30,1,20,2,paper\n")
    rows = read_csv(long_csv(tables([make_run()], read(tmp_path))))
    assert [(r["origin"], r["metric"], r["mean"], r["rank"]) for r in rows] == [
        ("measured", "ap.pooled", "0.2", "1"), ("reported: paper", "ap", "0.2", ""),
        ("reported: paper", "dice", "0.3", "")
    ]  # fmt: skip


def test_csv_has_differences_and_costs_in_lines_of_their_own():
    rows = [row for row in read_csv(long_csv([handmade.table()])) if row["method"] == "thresh"]
    best, base = (
        next(row for row in rows if row["origin"] == origin) for origin in ("to_best", "to_baseline")
    )
    assert (best["other"], best["metric"], best["p_holm"]) == ("patch2loc:conv", "ap.case", "0.03")
    assert base["other"] == "atlas-z" and float(base["mean"]) == pytest.approx(0.16)
    costs = {row["metric"]: row["mean"] for row in rows if row["origin"] == "cost"}
    assert costs["parameters"] == "11200000" and "device" not in costs
    assert {row["rank_low"] for row in rows} == {"2"}


def test_json_is_strict_and_complete(hostile):
    def refuse(constant):
        raise AssertionError(constant)

    (table,) = json.loads(strict_json(hostile), parse_constant=refuse)["tables"]
    assert {row["method"] for row in table["rows"]} == set(NAMES)
    assert {len(row["numbers"]) for row in table["rows"]} == {len(VALUES)}


def test_json_has_every_field_and_null_for_missing_ones():
    full, bare = handmade.table(), handmade.table(handmade.bare_rows(), primary="ap.pooled")
    rows = {
        row["method"]: row
        for table in (full, bare)
        for row in json.loads(strict_json([table]))["tables"][0]["rows"]
    }
    assert rows["thresh"]["rank_statistics"] == {
        "low": 2,
        "high": 3,
        "first": 0.4,
        "letters": "a",
        "by_case": 3,
    }
    assert rows["thresh"]["to_best"]["p_wilcoxon"] == 0.02 and rows["thresh"]["cost"]["score_s"] == 0.52
    assert rows["thresh"]["numbers"][0]["low"] == pytest.approx(0.31)
    assert rows["atlas-z"]["baseline"] == rows["atlas-z"]["deterministic"] == rows["atlas-z"]["null"] == 1
    assert rows["ae"]["rank_statistics"] is None and rows["ae"]["to_best"] is None  # of the bare table


def test_the_keys_of_a_json_table_stay():
    (table,) = json.loads(strict_json([handmade.table(not_comparable="x")]))["tables"]
    assert sorted(table) == [
        "critical", "fingerprint", "fit_ids", "healthy_cases", "lesion_cases", "not_comparable", "options",
        "primary", "protocol", "rows", "scheme", "tau", "test", "test_ids", "track", "train", "warnings",
    ]  # fmt: skip
    assert (
        table["not_comparable"] == "x"
        and len(table["warnings"]) == 1
        and table["rows"][0]["seeds_begun"] == 5
    )


def test_an_undefined_value_is_null(make_run):
    text = strict_json(tables([make_run(values={"ap.pooled": None})]))
    assert json.loads(text)["tables"][0]["rows"][0]["numbers"][0]["mean"] is None


def test_json_refuses_nan():
    table = handmade.table()
    rows = [replace(table.rows[2], cells={("all", "ap.case"): Cell(float("nan"), None, 1, 1, 0)})]
    with pytest.raises(ValueError, match="JSON"):
        strict_json([replace(table, rows=rows)])


def test_i7_csv_says_what_a_value_is_and_what_the_method_was_trained_on():
    rows = list(csv.DictReader(io.StringIO(long_csv([handmade.table()]))))
    measured = {row["metric"]: row for row in rows if row["origin"] == "measured" and row["method"] == "ae"}
    assert measured["ap.case"]["higher_is_better"] == "1" and measured["ap.case"]["oracle"] == "0"
    assert {row["protocol"] for row in rows} == {"uad-1mm"}
    assert {row["trained_on"] for row in rows} == {"ixi (IXI, healthy subjects: T1, T2, PD)"}
