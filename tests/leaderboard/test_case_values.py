"""Values by case, read from cases.csv."""

import csv
import pickle

import numpy as np
import pytest

from uad_bench.leaderboard import case_values
from uad_bench.leaderboard.case_values import CaseColumn, read_case_values, values_of


@pytest.fixture(autouse=True, params=["pandas", "csv"])
def _reader(request, monkeypatch):
    if request.param == "csv":
        monkeypatch.setattr(case_values, "_plain", lambda text: None)


def written(path, rows, end="\n"):
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator=end).writerows(rows)
    return path


HEAD = ("dataset", "case_id", "lesion_kind", "metric", "value", "reason")


def test_values_are_those_of_dictionaries(tmp_path):
    rows = [("s", "b", "", "ap", "0.30000000000000004", ""), ("s", "a", "", "ap", "", "empty"),
            ("s", "b", "", "dice@tune", "1e-300", ""), ("t", "a, b", "", "ap", "1", "")]  # fmt: skip
    found = read_case_values(written(tmp_path / "cases.csv", [HEAD, *rows]))
    assert found == {
        "s": {"ap": {"b": 0.1 + 0.2, "a": None}, "dice@tune": {"b": 1e-300}},
        "t": {"ap": {"a, b": 1.0}},
    }
    column = found["s"]["ap"]
    assert (list(column), len(column), "a" in column, "c" in column) == (["b", "a"], 2, True, False)
    assert (column["a"], column.get("a", 7), column.get("c", 7)) == (None, None, 7)
    with pytest.raises(KeyError):
        column["c"]


def test_equal_columns_are_equal_whatever_their_ids_are_shared_with():
    one, same = (CaseColumn(("a", "b"), np.array([0.5, np.nan])) for _ in range(2))
    other = CaseColumn(("b", "a"), np.array([np.nan, 0.5]))
    assert (
        one == same
        and one == other
        and one == {"a": 0.5, "b": None}
        and pickle.loads(pickle.dumps(one)) == one
    )
    assert one != CaseColumn(("a", "b"), np.array([0.5, 0.5])) and one != {"a": 0.5}


def test_values_of_some_cases_are_in_their_order():
    column = CaseColumn(("a", "b", "c"), np.array([0.5, np.nan, 0.7]))
    for ids in (("c", "x", "a", "b"), ("a", "b", "c"), ("c", "x", "a", "b"), ()):
        expected = values_of({"a": 0.5, "b": None, "c": 0.7}, ids)
        assert np.array_equal(values_of(column, ids), expected, equal_nan=True)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_many_rows_and_both_ends_of_lines(tmp_path, end):
    values = {f"case{i}": i / 7 for i in range(9000)}
    rows = [("s", case, "", metric, repr(v), "") for case, v in values.items() for metric in ("ap", "auroc")]
    assert read_case_values(written(tmp_path / "cases.csv", [HEAD, *rows], end)) == {
        "s": {"ap": values, "auroc": values}
    }


def test_of_several_rows_of_a_case_the_last_one_counts(tmp_path):
    rows = [("s", case, "", "ap", value, "") for case, value in (("a", "0.1"), ("b", "0.2"), ("a", "0.3"))]
    assert read_case_values(written(tmp_path / "cases.csv", [HEAD, *rows])) == {
        "s": {"ap": {"a": 0.3, "b": 0.2}}
    }


def test_a_file_that_is_missing_or_empty_has_no_values(tmp_path):
    assert read_case_values(tmp_path / "cases.csv") == {}
    (tmp_path / "cases.csv").write_text("")
    assert read_case_values(tmp_path / "cases.csv") == {}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([HEAD, ("s", "a", "", "ap", "nan", "")], "ap is nan"),
        ([HEAD, ("s", "a", "", "ap", "-inf", "")], "ap is -inf"),
        ([HEAD, ("s", "a", "", "ap")], "a row with 4 cells below a head of 6"),
        ([HEAD, ("s", "a", "", "ap", "0.1", "", "")], "a row with 7 cells below a head of 6"),
        (
            [HEAD, ("s", "a", "", "ap", "0.1"), ("s", "b", "", "ap", "0.1", "", "")],
            "a row with . cells below a head of 6",
        ),
        ([("dataset", "case_id", "value"), ("s", "a", "0.1")], "metric"),
    ],
)
def test_what_no_run_writes_is_an_error(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        read_case_values(written(tmp_path / "cases.csv", rows))


def test_numbers_are_read_as_python_reads_them(tmp_path):
    rng = np.random.default_rng(0)
    values = [*rng.random(500), *(rng.random(500) * 10.0 ** rng.integers(-300, 300, 500))]
    rows = [("s", f"c{i}", "", "ap", repr(float(v)), "") for i, v in enumerate(values)]
    found = read_case_values(written(tmp_path / "cases.csv", [HEAD, *rows]))["s"]["ap"]
    assert [found[f"c{i}"] for i in range(len(values))] == values
