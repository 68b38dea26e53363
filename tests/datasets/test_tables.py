import pytest

from uad_bench.errors import DataError
from uad_datasets.tables import read_rows

PLAIN = "ID,Age\na,31\nb,40.5\n"


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        b" ID , Age \n  a,31  \n\n,\nb , 40.5\n",
        b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
        b'"ID","Age"\n"a","31"\n"b","40.5"\n',
    ],
    ids=["plain", "crlf", "bom", "utf16", "semicolon", "tab", "blanks", "sep", "quoted"],
)
def test_f31_one_table_however_it_was_saved(tmp_path, raw):
    (tmp_path / "t.csv").write_bytes(raw)
    rows = read_rows(tmp_path / "t.csv")
    assert [dict(row.cells) for row in rows] == [{"id": "a", "age": "31"}, {"id": "b", "age": "40.5"}]
    assert rows[0].get("ID") == rows[0].get("id") == "a"
    assert rows[0].get("sex") == ""


def test_rows_know_their_line_past_blank_ones(tmp_path):
    (tmp_path / "t.csv").write_text('id,note\na,"two\nlines"\n\nb,x\n')
    assert [row.line for row in read_rows(tmp_path / "t.csv")] == [3, 5]


def test_cells_beyond_the_last_column_are_kept_separately(tmp_path):
    (tmp_path / "t.csv").write_text("id,path\na,x.nii,\nb,scans, old,x.nii\n")
    assert [row.surplus for row in read_rows(tmp_path / "t.csv")] == [(), ("old", "x.nii")]


def test_an_old_excel_sheet_reads_like_its_csv(tmp_path, write_xls):
    sheet = write_xls(tmp_path / "t.xls", [["ID", "AGE"], [1, 35.25], ["", ""], [219, ""]])
    rows = read_rows(sheet)
    assert [(row.line, row.get("id"), row.get("age")) for row in rows] == [(2, "1", "35.25"), (4, "219", "")]


@pytest.mark.parametrize(
    ("name", "raw"),
    [("t.csv", b"id\n\xff\x81\xa0"), ("t.xls", b"<html>not found</html>"), ("none.csv", None)],
)
def test_an_unreadable_table_is_an_error_of_one_line(tmp_path, name, raw):
    if raw is not None:
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(DataError, match="the table cannot be read") as caught:
        read_rows(tmp_path / name)
    assert caught.value.code == "UB321"
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("row", ['p1,"B', 'p1,"B" x'])
def test_a_quote_that_is_not_closed_swallows_no_rows(tmp_path, row):
    path = tmp_path / "cases.csv"
    path.write_text(f"case_id,site\np0,A\n{row}\np2,C\np3,D\n")
    with pytest.raises(DataError, match="in the row that begins in line 3; is a quote not closed") as caught:
        read_rows(path)
    assert caught.value.code == "UB321"


def test_a_tsv_has_tabs_however_many_commas_its_header_has(tmp_path):
    path = tmp_path / "participants.tsv"
    path.write_text("participant_id\tage (years, at scan, rounded)\nsub-1\t40\n")
    (row,) = read_rows(path)
    assert row.get("participant_id") == "sub-1" and row.get("age (years, at scan, rounded)") == "40"


def test_a_column_twice_is_no_guess(tmp_path):
    (tmp_path / "t.csv").write_text("id,age,AGE\n1,2,3\n")
    with pytest.raises(DataError, match="two columns are named 'age'"):
        read_rows(tmp_path / "t.csv")


def test_an_empty_table_has_no_rows(tmp_path):
    (tmp_path / "t.csv").write_text("")
    assert read_rows(tmp_path / "t.csv") == []


def test_f31_a_table_in_windows_1252_is_read_with_a_warning_and_lines_count_from_the_file(tmp_path, caplog):
    (tmp_path / "t.csv").write_bytes("sep=;\nid;site\na;Köln\n".encode("cp1252"))
    (row,) = read_rows(tmp_path / "t.csv")
    assert (row.line, row.get("site")) == (3, "Köln")
    assert "Windows-1252" in caplog.text


def test_a_workbook_is_not_read_as_text(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04" + bytes(range(256)))
    with pytest.raises(
        DataError, match=r"an .xlsx or another zip file.*save its first sheet as CSV"
    ) as caught:
        read_rows(tmp_path / "t.xlsx")
    assert caught.value.code == "UB321"
