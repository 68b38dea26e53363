"""Ids of the rows of a table: which session is of which person."""

import pytest

from uad_bench.errors import DataError
from uad_datasets.folder import FolderAdapter


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
