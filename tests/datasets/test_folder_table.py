"""The dataset `folder` with a table: anyone's own scans, one row a case."""

import pytest

from uad_bench.errors import DataError, UsageError
from uad_datasets.folder import FolderAdapter


def one_fault(sort_out, adapter, root):
    """The fault of a table whose other rows are valid."""
    cases, (fault,) = sort_out(adapter, root)
    assert cases
    assert fault.hint
    return fault


def test_a_row_is_a_case(table):
    head = "case_id,subject_id,t2,flair,lesion_mask,brain_mask,healthy,site,age,sex,lesion_kind"
    root = table(
        f"{head}\np1_a,p1,c1/t2.nii.gz,,c1/lesion.nii.gz,c1/brain.nii.gz,no,Ulm,61.5,F,ms\n"
        "h1_a,h1,h1/t2.nii.gz,h1/flair.nii.gz,,,yes,Bonn,n/a,,\n"
    )
    healthy, lesions = FolderAdapter(stripped=False, lesion_labels=(1,), ignored_labels=(2,)).discover(root)
    assert (lesions.case_id, lesions.subject_id, lesions.healthy, lesions.lesion_kind) == (
        "p1_a",
        "p1",
        False,
        "ms",
    )
    assert (lesions.site, lesions.age, lesions.sex, lesions.stripped) == ("Ulm", 61.5, "f", False)
    assert (lesions.images, lesions.lesion_mask) == ({"t2": root / "c1/t2.nii.gz"}, root / "c1/lesion.nii.gz")
    assert (lesions.brain_mask, lesions.lesion_labels, lesions.ignored_labels) == (
        root / "c1/brain.nii.gz",
        (1,),
        (2,),
    )
    assert (healthy.healthy, list(healthy.images), healthy.age, healthy.sex) == (
        True,
        ["t2", "flair"],
        None,
        None,
    )


def test_columns_may_be_called_anything(table):
    root = table("Scan Name\tDatei T2\tMaske\np1\tc1/t2.nii.gz\tc1/lesion.nii.gz\n", "my scans.tsv")
    columns = {"case_id": "Scan Name", "t2": "DATEI T2", "lesion_mask": "Maske"}
    (case,) = FolderAdapter(table="my scans.tsv", columns=columns, lesion_kind="tumour").discover(root)
    assert (case.case_id, case.subject_id, case.lesion_kind) == ("p1", "p1", "tumour")
    assert (list(case.images), case.lesion_mask) == (["t2"], root / "c1/lesion.nii.gz")


def test_paths_are_relative_to_the_table_or_absolute(table, tmp_path):
    root = table(
        f"case_id,t2,healthy\na,../h1/t2.nii.gz,1\nb,{tmp_path}/data/c1/t2.nii.gz,1\n", "lists/my.csv"
    )
    first, second = FolderAdapter(table="lists/my.csv").discover(root)
    assert first.images["t2"].resolve() == root / "h1/t2.nii.gz"
    assert second.images["t2"] == root / "c1/t2.nii.gz"


def test_f31_a_table_saved_on_another_system_reads_the_same(table):
    text = "case_id,t2,healthy\r\n a , c1\\t2.nii.gz ,TRUE\r\n\r\nb,h1\\t2.nii.gz,true\r\n"
    cases = list(FolderAdapter().discover(table(text, encoding="utf-8-sig")))
    assert [case.case_id for case in cases] == ["a", "b"]
    assert all(path.is_file() for case in cases for path in case.images.values())


def test_f31_folders_called_like_a_modality_stay_as_they_are(tree, table):
    tree("study_t1/t1/a_t1.nii.gz", "study_t1/t2/a_t2.nii.gz")
    root = table("case_id,t1,t2,healthy\na,study_t1/t1/a_t1.nii.gz,study_t1/t2/a_t2.nii.gz,yes\n")
    (case,) = FolderAdapter().discover(root)
    assert {what: str(path.relative_to(root)) for what, path in case.images.items()} == {
        "t1": "study_t1/t1/a_t1.nii.gz", "t2": "study_t1/t2/a_t2.nii.gz",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "code", "what"),
    [
        ("x,gone/t2.nii.gz,,,yes", "UB332", r"no such file: t2 .*gone/t2\.nii\.gz"),
        ("x,c1/t2.nii.gz,gone.nii.gz,,no", "UB333", "no such file: lesion_mask"),
        ("x,c1/t2.nii.gz,,gone.nii.gz,yes", "UB331", "no such file: brain_mask"),
        ("x,,c1/lesion.nii.gz,,no", "UB332", "no image"),
        ("x,c1/t2.nii.gz,,,no", "UB333", "a case with lesions but without a lesion mask"),
        ("x,c1/t2.nii.gz,,,", "UB333", "it is not declared whether this case is healthy"),
        ("x,c1/t2.nii.gz,,,maybe", "UB334", "healthy is 'maybe'"),
        (",c1/t2.nii.gz,,,yes", "UB334", "no case_id"),
        ("x,c1/t2.nii.gz,,,yes,,,extra", "UB334", "more cells than columns: 'extra'"),
        ("x,c1/t2.nii.gz,,,yes,forty", "UB334", "'forty' is not an age"),
        ("x,c1/t2.nii.gz,,,yes,40,1", "UB334", "sex '1' is not one of"),
        ("x," + 300 * "y" + ".nii.gz,,,yes", "UB332", "no such file"),
    ],
)
def test_an_invalid_row_is_reported_with_its_line_and_hides_no_other(table, sort_out, row, code, what):
    root = table(f"case_id,t2,lesion_mask,brain_mask,healthy,age,sex\nok,h1/t2.nii.gz,,,yes,,\n\n{row}\n")
    fault = one_fault(sort_out, FolderAdapter(), root)
    with pytest.raises(DataError, match=what):
        raise fault
    assert fault.code == code
    assert "cases.csv line 4" in fault.where


def test_f28_a_case_on_two_rows_is_an_error_for_both(table, sort_out):
    root = table("case_id,t2,healthy\na,h1/t2.nii.gz,1\nb,c1/t2.nii.gz,1\na,c1/t2.nii.gz,1\n")
    cases, faults = sort_out(FolderAdapter(), root)
    assert [case.case_id for case in cases] == ["b"]
    assert [fault.where for fault in faults] == ["a, cases.csv line 2", "a, cases.csv line 4"]
    assert {fault.code for fault in faults} == {"UB329"}


def test_what_a_case_is_where_the_table_does_not_say(table):
    root = table("case_id,t2,lesion_mask\na,h1/t2.nii.gz,\nb,c1/t2.nii.gz,c1/lesion.nii.gz\n")
    assert [case.healthy for case in FolderAdapter(healthy=("a",)).discover(root)] == [True, False]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the table has no row"),
        ("case_id,t2\n", "the table has no row"),
        ("name,t2\na,x.nii\n", "no column case_id or subject_id"),
        ("case_id,image\na,x.nii\n", "no column t1, t1ce"),
        ("case_id,t2,T2\na,x.nii,y.nii\n", "two columns are named 't2'"),
    ],
)
def test_a_table_that_cannot_be_used_is_an_error_with_its_columns(table, text, what):
    with pytest.raises(DataError, match=what) as caught:
        list(FolderAdapter().discover(table(text)))
    assert caught.value.code == "UB334"


def test_a_mapping_to_a_missing_column_is_an_error(table):
    root = table("case_id,t2\na,c1/t2.nii.gz\n")
    with pytest.raises(DataError, match=r"no column 'T2w'.*the columns are case_id, t2"):
        list(FolderAdapter(columns={"t2": "T2w"}).discover(root))
    with pytest.raises(UsageError, match=r"unknown key of columns 'lesionmask'.*did you mean lesion_mask"):
        list(FolderAdapter(columns={"lesionmask": "t2"}).discover(root))


@pytest.mark.parametrize("folder", ["", "missing"])
def test_a_missing_table_names_the_expected_columns(tmp_path, folder):
    with pytest.raises(DataError, match=r"no table of cases .*cases\.csv.*folder.bids=true") as caught:
        list(FolderAdapter().discover(tmp_path / folder))
    assert caught.value.code == "UB334"


def test_a_second_set_of_ones_own_is_a_name_for_the_same_adapter(table, tmp_path):
    """As docs/datasets/folder.md shows it."""
    from uad_bench import plugins

    code = "from uad_datasets.folder import FolderAdapter\n\n\nclass Clinic(FolderAdapter):\n    name = 'clinic'\n"
    (tmp_path / "clinic.py").write_text(code)
    cls = plugins.load(plugins.resolve("dataset", str(tmp_path / "clinic.py")))
    (case,) = cls(healthy=("a",)).discover(table("case_id,t2\na,c1/t2.nii.gz\n"))
    assert case.dataset == "clinic"


def test_the_real_samples(shared_data, tmp_path):
    stroke = shared_data / "stroke" / "clin01"
    files = ",".join(str(stroke / f"clin01_{what}.nii.gz") for what in ("T2W", "lesion", "brainmask"))
    (tmp_path / "cases.csv").write_text(
        f"case_id,t2,lesion_mask,brain_mask,lesion_kind\nclin01,{files},stroke\n"
    )
    (case,) = FolderAdapter().discover(tmp_path)
    assert (case.lesion_kind, case.healthy, case.lesion_mask.is_file()) == ("stroke", False, True)


def test_a_lesion_case_without_mask_is_accepted_with_the_option(table):
    root = table("case_id,t2\na,c1/t2.nii.gz\n")
    (case,) = FolderAdapter(healthy=False).discover(root)
    assert (case.healthy, case.lesion_mask) == (False, None)


def test_an_age_or_a_sex_that_says_nothing_sure_is_unknown_with_a_warning(table, caplog):
    root = table("case_id,t2,healthy,age,sex\na,c1/t2.nii.gz,1,35-40,O\nb,h1/t2.nii.gz,1,90+,other\n")
    assert [(case.age, case.sex) for case in FolderAdapter().discover(root)] == [(None, None), (None, None)]
    assert len(caplog.records) == 4


@pytest.mark.parametrize(
    ("name", "hint"), [("M\u00fcller.nii", "Unicode form"), ("MUELLER.NII", "other capitals")]
)
def test_a_name_that_is_there_in_another_form_is_told(tree, sort_out, name, hint):
    root = tree("Mu\u0308ller.nii", "Mueller.nii", "b.nii")
    (root / "cases.csv").write_text(f"case_id,t2,healthy\na,{name},1\nb,b.nii,1\n")
    _, (fault,) = sort_out(FolderAdapter(), root)
    assert hint in fault.hint


def test_control_characters_of_a_table_are_escaped_in_messages(table, sort_out):
    root = table("case_id,t2,healthy\nok,c1/t2.nii.gz,1\na\x1b[2J,gone\x1b[31m\u202e.nii,1\n")
    _, (fault,) = sort_out(FolderAdapter(), root)
    assert str(fault).isprintable()
    assert "\\x1b[31m" in str(fault)


def test_a_column_that_names_files_and_is_not_read_is_named(table, caplog):
    head = "case_id,t2,Lesion,healthy,edss\n"
    list(
        FolderAdapter().discover(
            table(f"{head}c1,c1/t2.nii.gz,c1/lesion.nii.gz,yes,3\nh1,h1/t2.nii.gz,,yes,\n")
        )
    )
    assert "image files and are not read: lesion;" in caplog.text and "edss" not in caplog.text


def test_a_cell_that_names_a_folder_is_told(table, sort_out):
    root = table("case_id,t2,healthy\nc1,c1,yes\nh1,h1/t2.nii.gz,yes\n")
    assert "it is a folder" in one_fault(sort_out, FolderAdapter(), root).hint
