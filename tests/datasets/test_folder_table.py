"""The dataset `folder` with a table: anyone's own scans, one row a case."""

import pytest

from uad_bench.errors import DataError, UsageError
from uad_datasets.folder import FolderAdapter

FILES = ("c1/t2.nii.gz", "c1/lesion.nii.gz", "c1/brain.nii.gz", "h1/t2.nii.gz", "h1/flair.nii.gz")


@pytest.fixture
def table(tree):
    """table(text, name) -> the root, with that table in it and a few empty images."""

    def write(text, name="cases.csv", encoding="utf-8"):
        root = tree(*FILES)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode(encoding))
        return root

    return write


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


@pytest.mark.parametrize("head", ["case_id", "subject_id"])
def test_sessions_without_a_subject_of_their_own_are_of_the_subject_in_their_id(table, caplog, head):
    root = table(
        f"{head},t2,healthy\nsub-01_ses-1,c1/t2.nii.gz,1\nsub-01_ses-2,h1/t2.nii.gz,1\np7_a,h1/flair.nii.gz,1\n"
    )
    subjects = {case.case_id: case.subject_id for case in FolderAdapter().discover(root)}
    assert subjects == {"sub-01_ses-1": "sub-01", "sub-01_ses-2": "sub-01", "p7_a": "p7_a"}
    assert "whose subject is read from the case id (2): sub-01_ses-1 is of sub-01" in caplog.text


def test_an_id_that_names_no_session_is_a_subject_of_its_own(table, caplog):
    root = table("case_id,t2,healthy\nsub-UKA_001,c1/t2.nii.gz,1\nsub-UKA_002,h1/t2.nii.gz,1\n")
    assert {case.subject_id for case in FolderAdapter().discover(root)} == {"sub-UKA_001", "sub-UKA_002"}
    assert caplog.text == ""


def test_a_column_of_groups_is_no_column_of_persons(table):
    root = table("case_id,t2,healthy,participant\nc1,c1/t2.nii.gz,1,control\nh1,h1/t2.nii.gz,1,MS\n")
    assert {case.subject_id for case in FolderAdapter().discover(root)} == {"c1", "h1"}


def test_a_subject_of_the_table_is_kept_for_an_id_of_a_session(table, caplog):
    root = table("case_id,subject_id,t2,healthy\nsub-01_ses-1,sub-A,c1/t2.nii.gz,1\n")
    (case,) = FolderAdapter().discover(root)
    assert (case.subject_id, caplog.text) == ("sub-A", "")


@pytest.mark.parametrize(
    "name",
    ["participant_id", "Subject", "subject id", "Subject-ID", "patient", "Patient_ID", "PID", "Patient No."],
)
def test_a_column_of_persons_that_is_not_read_is_an_error_until_it_is_mapped(table, name):
    root = table(f"case_id,{name},t2,healthy\na,p1,c1/t2.nii.gz,1\nb,p1,h1/t2.nii.gz,1\n")
    with pytest.raises(
        DataError, match=rf"(?i)column '{name}' is not read, and 2 rows .*subject_id: {name}"
    ) as caught:
        list(FolderAdapter().discover(root))
    assert caught.value.code == "UB334"
    cases = list(FolderAdapter(columns={"subject_id": name}).discover(root))
    assert {case.subject_id for case in cases} == {"p1"}


def test_columns_of_ids_are_no_error_beside_the_ids_that_are_read(table):
    text = "case_id,subject_id,participant_id,Case ID,patient,t2,healthy\na,p1,x,y,z,c1/t2.nii.gz,1\n"
    assert [case.subject_id for case in FolderAdapter().discover(table(text))] == ["p1"]
    text = (
        "case_id,patient,t2,healthy\na,no,c1/t2.nii.gz,1\nb,yes,h1/t2.nii.gz,1\n"  # who is a patient, no id
    )
    assert [case.subject_id for case in FolderAdapter().discover(table(text))] == ["a", "b"]
    with pytest.raises(DataError, match=r"column 'case id' is not read, and 1 rows have no case_id"):
        list(FolderAdapter().discover(table("subject_id,Case ID,t2,healthy\np1,a,c1/t2.nii.gz,1\n")))


def test_rows_without_their_subject_are_an_error_beside_a_column_of_persons(table):
    text = "case_id,subject_id,patient_id,t2,healthy\na,p1,x,c1/t2.nii.gz,1\nb,,x,h1/t2.nii.gz,1\n"
    with pytest.raises(DataError, match="'patient_id' is not read, and 1 rows have no subject_id"):
        list(FolderAdapter().discover(table(text)))


@pytest.mark.parametrize("cells", ["c1/t2.nii.gz,c1/../c1/t2.nii.gz,", "c1/t2.nii.gz,,c1/t2.nii.gz"])
def test_one_file_in_two_columns_of_a_row_is_an_error(table, sort_out, cells):
    root = table(f"case_id,t1,t2,lesion_mask,healthy\na,{cells},no\nok,h1/t2.nii.gz,,,yes\n")
    fault = one_fault(sort_out, FolderAdapter(), root)
    assert fault.code == "UB329" and "are one file, t2.nii.gz" in str(fault) and "line 2" in fault.where


SHARED = [
    ("a,p1,c1/t2.nii.gz,,c1/lesion.nii.gz,no", "b,p2,h1/t2.nii.gz,,link.nii.gz,no", "lesion_mask"),
    ("a,p1,c1/t2.nii.gz,,,yes", "b,p2,h1/t2.nii.gz,c1/t2.nii.gz,,yes", "t2"),
    ("a,p1,c1/t2.nii.gz,,,yes", "b,p2,h1/t2.nii.gz,,c1/t2.nii.gz,no", "t2"),
]


@pytest.mark.parametrize(("one", "other", "word"), SHARED)
def test_one_file_of_two_subjects_is_an_error_of_both(table, sort_out, one, other, word):
    root = table(
        f"case_id,subject_id,t2,flair,lesion_mask,healthy\n{one}\n{other}\nok,p3,h1/flair.nii.gz,,,yes\n"
    )
    (root / "link.nii.gz").symlink_to("c1/lesion.nii.gz")
    cases, faults = sort_out(FolderAdapter(), root)
    assert [case.case_id for case in cases] == ["ok"]
    assert [fault.where for fault in faults] == ["a, cases.csv line 2", "b, cases.csv line 3"]
    assert {fault.code for fault in faults} == {"UB329"}
    assert f"the {word} file" in str(faults[0]) and "also that of b, another subject" in str(faults[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a,p1,c1/t2.nii.gz,c1/lesion.nii.gz,,no", "b,p1,c1/t2.nii.gz,c1/lesion.nii.gz,,no"),  # one subject
        (
            "a,p1,c1/t2.nii.gz,c1/lesion.nii.gz,,yes",
            "b,p2,h1/t2.nii.gz,c1/lesion.nii.gz,,yes",
        ),  # an empty mask
        ("a,p1,c1/t2.nii.gz,,c1/brain.nii.gz,yes", "b,p2,h1/t2.nii.gz,,c1/brain.nii.gz,yes"),  # of an atlas
        (
            "a,p1,c1/t2.nii.gz,,c1/t2.nii.gz,yes",
            "b,p2,h1/t2.nii.gz,,,yes",
        ),  # a stripped image as its brain mask
        (
            "a,p1,c1/t2.nii.gz,key/1.nii.gz,,no",
            "b,p2,h1/t2.nii.gz,key/2.nii.gz,,no",
        ),  # two empty masks of an annex
    ],
)
def test_files_that_cases_may_share(table, one, other):
    root = table(f"case_id,subject_id,t2,lesion_mask,brain_mask,healthy\n{one}\n{other}\n")
    store = root / ".git/annex/objects"
    store.mkdir(parents=True)
    (store / "key.nii.gz").touch()
    (root / "key").mkdir()
    for name in ("1.nii.gz", "2.nii.gz"):
        (root / "key" / name).symlink_to(store / "key.nii.gz")
    assert [case.case_id for case in FolderAdapter().discover(root)] == ["a", "b"]
