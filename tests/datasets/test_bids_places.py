"""Trees in which names and folders disagree, or that hold more than one dataset."""

import pytest

from uad_bench.data.bids_entities import contradicts
from uad_datasets.bids_places import place_of
from uad_datasets.folder import FolderAdapter

HEALTHY = FolderAdapter(bids=True, healthy=("sub-*",))


def test_a_session_in_the_folder_alone_is_the_session_of_the_file(tree):
    tree("sub-01/ses-1/anat/sub-01_T1w.nii.gz", "sub-01/ses-2/anat/sub-01_T2w.nii.gz")
    root = tree("derivatives/m/sub-01/ses-2/anat/sub-01_label-lesion_mask.nii.gz")
    first, second = HEALTHY.discover(root)
    assert [(case.case_id, case.subject_id) for case in (first, second)] == [
        ("sub-01_ses-1", "sub-01"),
        ("sub-01_ses-2", "sub-01"),
    ]
    assert [list(case.images) for case in (first, second)] == [["t1"], ["t2"]]
    assert (first.lesion_mask, second.lesion_mask is None) == (None, False)


@pytest.mark.parametrize(
    "name", ["sub-01/anat/sub-02_T1w.nii.gz", "sub-02/ses-1/anat/sub-02_ses-2_T1w.nii.gz"]
)
def test_a_name_that_contradicts_its_folder_is_an_error(tree, sort_out, name):
    cases, (fault,) = sort_out(HEALTHY, tree("sub-01/anat/sub-01_FLAIR.nii.gz", name))
    assert [case.case_id for case in cases] == ["sub-01"]
    assert (fault.code, fault.where.partition("_")[0]) == ("UB329", "sub-02")
    assert name in str(fault)


def test_images_of_two_datasets_are_no_case(tree, sort_out):
    root = tree("a/sub-01/anat/sub-01_T1w.nii.gz", "b/sub-01/anat/sub-01_FLAIR.nii.gz")
    cases, (fault,) = sort_out(HEALTHY, root)
    assert (cases, fault.code) == ([], "UB329")
    assert "two trees, a and b" in str(fault)


@pytest.mark.parametrize("mark", ["a/participants.tsv", "b/sub-02/sub-02_T1w.nii.gz"])
def test_a_mark_or_a_common_modality_tells_two_datasets(tree, sort_out, mark):
    root = tree("a/sub-01/sub-01_T1w.nii.gz", "b/sub-01/sub-01_FLAIR.nii.gz", mark)
    _, (fault,) = sort_out(HEALTHY, root)
    assert (fault.where, fault.code) == ("sub-01", "UB329")


@pytest.mark.parametrize(
    "names",
    [
        ("t1/sub-01/sub-01_T1w.nii.gz", "flair/sub-01/sub-01_FLAIR.nii.gz"),
        ("t1/sub-01_T1w.nii.gz", "flair/sub-01_FLAIR.nii.gz"),
        ("sub-01/a/sub-01_T1w.nii.gz", "sub-01/b/sub-01_FLAIR.nii.gz"),
        ("sub-1/anat/sub-01_T1w.nii.gz", "sub-1/anat/sub-01_FLAIR.nii.gz"),
    ],
)
def test_folders_of_modalities_and_padded_numbers_are_no_contradiction(tree, names):
    (case,) = HEALTHY.discover(tree(*names))
    assert (case.case_id, list(case.images)) == ("sub-01", ["t1", "flair"])


@pytest.mark.parametrize(
    "mask",
    [
        "patients/derivatives/m/sub-01/anat/sub-01_label-lesion_mask.nii.gz",
        "patients/derivatives/sub-01_label-lesion_mask.nii.gz",
        "patients/derivatives/m/sub-01/anat/sub-01_desc-brain_mask.nii.gz",
        "patients/sub-01/anat/sub-01_label-lesion_mask.nii.gz",
    ],
)
def test_a_mask_of_another_dataset_is_not_of_the_case(tree, sort_out, mask):
    root = tree("controls/sub-01/anat/sub-01_T1w.nii.gz", "patients/sub-02/anat/sub-02_T1w.nii.gz", mask)
    cases, (fault,) = sort_out(HEALTHY, root)
    assert [case.case_id for case in cases] == ["sub-02"]
    assert (fault.where, fault.code) == ("sub-01", "UB329")
    assert "an image and a mask of this id are in two trees, controls and patients" in str(fault)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("raw/sub-01/anat/sub-01_T1w", "derivatives/m/sub-01/anat/sub-01_label-lesion_mask"),
        ("a/raw/sub-01/anat/sub-01_T1w", "a/derivatives/sub-01_label-lesion_mask"),
        ("raw/sub-01/anat/sub-01_T1w", "masks/sub-01/anat/sub-01_label-lesion_mask"),
        ("sub-01/anat/sub-01_T1w", "masks/sub-01/sub-01_label-lesion_mask"),
        ("sub-01/anat/sub-01_T1w", "sub-01/derivatives/sub-01_label-lesion_mask"),
        ("t1/sub-01/sub-01_T1w", "flair/sub-01/sub-01_label-lesion_mask"),
    ],
)
def test_a_mask_of_the_same_dataset_is_of_the_case(tree, image, mask):
    root = tree(f"{image}.nii.gz", f"{mask}.nii.gz")
    tree("flair/sub-02/sub-02_FLAIR.nii.gz")
    first, _ = HEALTHY.discover(root)
    assert (first.case_id, first.lesion_mask) == ("sub-01", root / f"{mask}.nii.gz")


@pytest.mark.parametrize("table", ["data/participants.tsv", "participants.csv"])
def test_a_table_of_subjects_that_is_not_read_is_named(tree, caplog, table):
    list(HEALTHY.discover(tree("data/sub-01/anat/sub-01_T1w.nii.gz", table)))
    assert f"sexes and groups are not read from {table}" in caplog.text


def test_the_folder_of_a_subject_as_root_is_named(tree, caplog):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", "participants.tsv") / "sub-01"
    (case,) = HEALTHY.discover(root)
    assert case.case_id == "sub-01"
    assert "sub-01 is the folder of a subject or session" in caplog.text


def test_the_usual_tree_has_no_warning(tree, caplog):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz")
    list(HEALTHY.discover(root))
    assert caplog.text == ""


def test_places_and_contradictions():
    assert place_of(("a", "sub-01", "anat")) == ("a",)
    assert place_of(("a", "anat")) is None
    assert not contradicts({"sub": "01"}, ("sub-1", "ses-2"))
    assert contradicts({"sub": "01", "ses": "1"}, ("sub-01", "ses-2"))
