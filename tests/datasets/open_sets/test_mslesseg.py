import pytest

from uad_bench.errors import DataError
from uad_datasets.open_sets.mslesseg import MslessegAdapter

ENDINGS = ("T1", "T2", "FLAIR", "MASK")


def visit(folder, name, endings=ENDINGS):
    return [f"MSLesSeg Dataset/{folder}/{name}_{ending}.nii.gz" for ending in endings]


def test_a_visit_is_a_case_and_a_patient_a_subject(tree):
    root = tree(*visit("train/P18/T1", "P18_T1"), *visit("train/P18/T2", "P18_T2"), *visit("test/P54", "P54"))
    cases = list(MslessegAdapter().discover(root))
    assert [(case.case_id, case.subject_id) for case in cases] == [
        ("P18_T1", "P18"), ("P18_T2", "P18"), ("P54", "P54"),
    ]  # fmt: skip
    assert all(list(case.images) == ["t1", "t2", "flair"] for case in cases)
    assert (cases[0].lesion_kind, cases[0].stripped, cases[0].healthy) == ("ms", True, False)


def test_the_folder_t1_is_a_visit_and_the_last_word_a_modality(tree):
    (first, second) = MslessegAdapter().discover(
        tree(*visit("train/P18/T2", "P18_T2"), *visit("train/P18/T1", "P18_T1"))
    )
    assert first.images["t2"].name == "P18_T1_T2.nii.gz"
    assert second.images["t1"].name == "P18_T2_T1.nii.gz"


def test_training_cases_without_folders_of_visits_are_read_too(tree):
    (case,) = MslessegAdapter().discover(tree(*visit("train/P18", "P18_T1")))
    assert (case.case_id, case.lesion_mask.name) == ("P18_T1", "P18_T1_MASK.nii.gz")


def test_a_test_patient_with_the_masks_of_the_public_release_is_read_and_one_without_is_reported(
    tree, sort_out
):
    root = tree(*visit("test/P54", "P54"), *visit("test/P55", "P55", ENDINGS[:3]))
    cases, (fault,) = sort_out(MslessegAdapter(), root)
    assert ([case.case_id for case in cases], fault.where, fault.code) == (["P54"], "P55", "UB333")


def test_nothing_found_names_the_expected_layout(tmp_path):
    with pytest.raises(DataError, match=r"expected train/P18/T1/P18_T1_"):
        list(MslessegAdapter().discover(tmp_path))
