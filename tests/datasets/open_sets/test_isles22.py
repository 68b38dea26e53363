import json

import pytest

from uad_bench.errors import DataError
from uad_datasets.open_sets.isles22 import Isles22Adapter

CASE = "sub-strokecase0009_ses-0001"
SESSION = "sub-strokecase0009/ses-0001"
CHALLENGE = [*(f"rawdata/{SESSION}/{CASE}_{what}.nii.gz" for what in ("adc", "dwi", "flair"))]
ZENODO = [
    *(f"ISLES-2022/{SESSION}/dwi/{CASE}_{what}.nii.gz" for what in ("adc", "dwi")),
    f"ISLES-2022/{SESSION}/anat/{CASE}_FLAIR.nii.gz",
]
MASK = f"derivatives/{SESSION}/{CASE}_msk.nii.gz"


@pytest.mark.parametrize("images", [CHALLENGE, ZENODO])
def test_both_trees_give_the_same_case(tree, images):
    (case,) = Isles22Adapter().discover(tree(*images, MASK))
    assert (case.case_id, case.subject_id) == (CASE, "sub-strokecase0009")
    assert list(case.images) == ["flair", "dwi", "adc"]
    assert (case.lesion_mask.name, case.allow_other_mask_grid) == (f"{CASE}_msk.nii.gz", True)
    assert (case.stripped, case.lesion_kind, case.healthy) == (True, "stroke", False)


def test_files_in_folders_of_their_own_names(tree):
    """Some programs unpack x.nii.gz as a folder x.nii with a file x.nii."""
    names = [f"ISLES-2022/{CASE}_flair.nii/{CASE}_flair.nii", MASK]
    (case,) = Isles22Adapter().discover(tree(*names))
    assert case.images["flair"].is_file()


@pytest.mark.parametrize(
    ("age", "sex", "expected"), [("060Y", "F", (60, "f")), ("", "", (None, None)), ("?", "M", (None, "m"))]
)
def test_age_and_sex_come_from_the_sidecar(tree, age, sex, expected):
    root = tree(*CHALLENGE, MASK)
    sidecar = root / CHALLENGE[2].replace(".nii.gz", ".json")
    sidecar.write_text(json.dumps({"PatientAge": age, "PatientSex": sex}))
    (case,) = Isles22Adapter().discover(root)
    assert (case.age, case.sex) == expected


def test_age_and_sex_may_be_in_two_sidecars(tree):
    root = tree(*CHALLENGE, MASK)
    for name, content in zip(
        CHALLENGE[:2], ({"PatientSex": "F"}, {"PatientAge": "060Y", "PatientSex": "M"}), strict=True
    ):
        (root / name.replace(".nii.gz", ".json")).write_text(json.dumps(content))
    (case,) = Isles22Adapter().discover(root)
    assert case.age == 60 and case.sex in {"f", "m"}


def test_a_sidecar_without_sense_is_no_age_and_a_warning(tree, caplog):
    root = tree(*CHALLENGE, MASK)
    (root / CHALLENGE[2].replace(".nii.gz", ".json")).write_text('{"PatientAge": "old"}')
    (case,) = Isles22Adapter().discover(root)
    assert case.age is None and f"{CASE}: PatientAge of the sidecar is not used" in caplog.text


def test_a_damaged_sidecar_is_told(tree, caplog):
    root = tree(*CHALLENGE, MASK)
    (root / CHALLENGE[2].replace(".nii.gz", ".json")).write_text("{")
    (case,) = Isles22Adapter().discover(root)
    assert case.age is None and f"{CASE}_flair.json is not read" in caplog.text


def test_a_case_without_mask_is_reported(tree, sort_out):
    cases, (fault,) = sort_out(Isles22Adapter(), tree(*CHALLENGE))
    assert (cases, fault.code, fault.where) == ([], "UB333", CASE)


def test_files_of_atlas_the_other_task_of_the_challenge_name_their_dataset(tree, sort_out):
    atlas = (
        "ATLAS_2/Training/R001/sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym_T1w.nii.gz"
    )
    cases, (fault,) = sort_out(Isles22Adapter(), tree(atlas))
    assert cases == [] and "dataset atlas_v2 reads them" in str(fault)
    cases, faults = sort_out(Isles22Adapter(), tree(*CHALLENGE, MASK))
    assert (len(cases), len(faults)) == (1, 1)


def test_nothing_found_names_the_expected_layout(tmp_path):
    with pytest.raises(DataError, match=r"expected rawdata/sub-strokecase0001"):
        list(Isles22Adapter().discover(tmp_path))
