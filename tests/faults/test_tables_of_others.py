"""F31: tables of cases as spreadsheets and other systems save them, through the command line; ids kept by `export`."""

import csv
import unicodedata

import pytest

SAVED = {
    "bom": lambda text: text.encode("utf-8-sig"),
    "semicolon": lambda text: text.replace(",", ";").encode(),
    "sep": lambda text: ("sep=;\r\n" + text.replace(",", ";")).encode(),
    "utf16": lambda text: text.encode("utf-16"),
    "cp1252": lambda text: text.encode("cp1252"),
}


def with_site(workspace, **facts):
    """The table of the workspace as text, with columns of these values."""
    rows = [row | facts for row in workspace.rows()]
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("saved", SAVED)
def test_f31_a_table_of_cases_is_read_however_it_was_saved(workspace, saved):
    text = with_site(workspace, site="Köln")
    (workspace.data / "cases.csv").write_bytes(SAVED[saved](text))
    for words in ((), ("--quick",)):
        answer = workspace.check(*words)
        assert (answer.code, "sites       Köln 7" in answer.out) == (0, True)
        assert ("Windows-1252" in answer.out) == (saved == "cp1252")
    assert workspace.prepare().code == 0
    assert len(workspace.entries()) == 7


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_f31_a_file_name_in_another_unicode_form_is_an_error_with_the_reason(workspace, form):
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    path = workspace.file("h01")
    path.rename(path.with_name(unicodedata.normalize(form, "Köln_t2.nii.gz")))
    workspace.change("h01", t2=unicodedata.normalize(other, "Köln_t2.nii.gz"))
    answer = workspace.check()
    assert (answer.code, "another Unicode form (NFC against NFD)" in answer.out) == (3, True)
    workspace.change("h01", t2=unicodedata.normalize(form, "Köln_t2.nii.gz"))
    assert workspace.check().code == 0


@pytest.mark.parametrize("age", ["35-40", "90+", "<18", "n/a"])
def test_ages_without_a_single_value_and_other_sexes_are_unknown(workspace, age):
    (workspace.data / "cases.csv").write_text(with_site(workspace, age=age, sex="other"))
    answer = workspace.check()
    assert answer.code == 0
    assert "ages        unknown" in answer.out and "sexes       unknown 7" in answer.out
    assert "sex 'other' is ambiguous; read as unknown" in answer.out
    assert workspace.prepare().code == 0


def test_ids_of_a_bids_tree_are_kept_by_export(workspace):
    rows = [
        row | {"case_id": f"sub-{n:02d}", "subject_id": f"sub-{n:02d}"}
        for n, row in enumerate(workspace.rows())
    ]
    with (workspace.data / "cases.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    assert workspace.run().code == 0
    to = workspace.runs / "maps"
    assert workspace.call("export", workspace.runs, "--to", to, *workspace._data()).code == 0
    subjects = {path.name for path in to.rglob("sub-*") if path.is_dir()}
    assert subjects and subjects <= {row["case_id"] for row in rows}
