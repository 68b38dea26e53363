"""One file of two columns or two subjects is an error."""

import pytest

from uad_datasets.folder import FolderAdapter


@pytest.mark.parametrize("cells", ["c1/t2.nii.gz,c1/../c1/t2.nii.gz,", "c1/t2.nii.gz,,c1/t2.nii.gz"])
def test_one_file_in_two_columns_of_a_row_is_an_error(table, sort_out, cells):
    root = table(f"case_id,t1,t2,lesion_mask,healthy\na,{cells},no\nok,h1/t2.nii.gz,,,yes\n")
    _, (fault,) = sort_out(FolderAdapter(), root)
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
