"""Files of scans are grouped into cases; those of two persons or sessions never are."""

import pytest

from tests.helpers.found_scans import found
from uad_bench.data.scan_files import find_scans
from uad_bench.errors import DataError, UsageError


def test_modalities_and_brain_masks_of_a_case_come_together(touch):
    names = ["a_t2.nii.gz", "a_flair.nii.gz", "a_brainmask.nii.gz", "sub-1_FLAIR.nii", "sub-1_acq-x_T2w.nii",
             "sub-1_desc-brain_mask.nii.gz"]  # fmt: skip
    both = ["brain_mask", "flair", "t2"]
    assert found(touch(*names), "t2", "flair") == {"a": both, "sub-1": both}


def test_two_scans_of_a_session_keep_their_entities(touch):
    paths = touch("sub-1_acq-a_T2w.nii", "sub-1_acq-b_T2w.nii")
    assert set(found(paths)) == {"sub-1_acq-a", "sub-1_acq-b"}
    assert found(paths[:1], case_id="mine") == {"mine": ["t2"]}
    with pytest.raises(UsageError, match="--id names one case, and 2"):
        found(paths, case_id="mine")


def test_what_is_wrong_with_one_case_leaves_the_others(touch):
    names = [
        "a_T1w.nii",
        "a_T2w.nii",
        "b_T1w.nii",
        "x/c_T1w.nii",
        "x/c_T2w.nii",
        "y/c_T2w.nii",
        "my d_T1w.nii",
    ]
    faults = {one.case_id: one.fault and one.fault.code for one in find_scans(touch(*names), ("t1", "t2"))}
    assert faults == {"a": None, "b": "UB332", "c": "UB335", "my d": "UB205"}


def test_two_files_of_a_case_are_told_apart_by_their_folders(touch):
    with pytest.raises(DataError, match=r"two t2 files: x/a_t2.nii and y/a_t2.nii"):
        found(touch("x/a_t2.nii", "y/a_t2.nii"))


@pytest.mark.parametrize(
    ("names", "case_id"),
    [
        (["sub-1/ses-a/anat/sub-1_T1w.nii", "sub-1/ses-a/anat/sub-1_ses-a_T2w.nii"], "sub-1_ses-a"),
        (["sub-01/a/sub-01_T1w.nii", "sub-01/b/sub-01_T2w.nii"], "sub-01"),
        (["t1/sub-01/sub-01_T1w.nii", "t2/sub-01/sub-01_T2w.nii"], "sub-01"),
        (["sub-1/anat/sub-01_T1w.nii", "sub-1/anat/sub-01_space-T1w_T2w.nii"], "sub-01"),
        (["IXI-T1/IXI002-Guys-T1.nii", "IXI-T2/IXI002-Guys-T2.nii"], "IXI002-Guys"),
        (["T1_MPRAGE/p1_t1.nii", "images_T2/p1_t2.nii"], "p1"),
        (["p1/T1/p1_t1.nii", "p1/T2/p1_t2.nii"], "p1"),
    ],
)
def test_folders_of_a_session_or_a_modality_hold_the_files_of_one_case(touch, names, case_id):
    root = touch(*names)[0].parents[names[0].count("/")]
    (one,) = find_scans([root], ("t1", "t2"))
    assert (one.case_id, one.fault, sorted(one.files)) == (case_id, None, ["t1", "t2"])


@pytest.mark.parametrize(
    ("names", "faults"),
    [
        (["sub-1/ses-1/anat/sub-1_T1w.nii", "sub-1/ses-2/anat/sub-1_T2w.nii"],
         {"sub-1_ses-1": "UB332", "sub-1_ses-2": "UB332"}),
        (["ses-1/sub-1/sub-1_T1w.nii", "ses-2/sub-1/sub-1_T2w.nii"],
         {"sub-1_ses-1": "UB332", "sub-1_ses-2": "UB332"}),
        (["sub-5/sub-5_T1w.nii", "sub-5/sub-5_space-MNI_T2w.nii"], {"sub-5": "UB332", "sub-5_space-MNI": "UB332"}),
        (["siteA/p1_t1.nii", "siteB/p1_t2.nii"], {"p1": "UB329"}),
        (["siteA_T1/p1_t1.nii", "siteB_T2/p1_t2.nii"], {"p1": "UB329"}),
        (["a/sub-1/anat/sub-1_T1w.nii", "b/sub-1/anat/sub-1_T2w.nii"], {"sub-1": "UB329"}),
        (["sub-1/scan_t1.nii", "sub-2/scan_t2.nii"], {"scan": "UB329"}),
        (["sub-2/sub-1_T1w.nii", "sub-2/sub-1_T2w.nii"], {"sub-1": "UB329"}),
        (["ses-2/sub-1_ses-1_T1w.nii", "ses-2/sub-1_ses-1_T2w.nii"], {"sub-1_ses-1": "UB329"}),
        (["siteA/p1_t1.nii", "siteA/p1_t2.nii", "siteB/p1_brain_mask.nii"], {"p1": "UB329"}),
    ],
)  # fmt: skip
def test_files_of_two_sessions_sites_or_spaces_are_no_case(touch, names, faults):
    good = touch(*names, "good_t1.nii", "good_t2.nii")[-1]
    found = find_scans([good.parent], ("t1", "t2"))
    assert {one.case_id: one.fault and one.fault.code for one in found} == {**faults, "good": None}


def test_a_brain_mask_of_another_session_or_space_is_not_used(touch, caplog):
    touch(
        "sub-1/ses-2/sub-1_brain_mask.nii", "sub-2/sub-2_T2w.nii", "sub-2/sub-2_space-MNI_desc-brain_mask.nii"
    )
    (image,) = touch("sub-1/ses-1/sub-1_T2w.nii")
    assert found([image.parents[2]]) == {"sub-1_ses-1": ["t2"], "sub-2": ["t2"]}
    for mask in ("sub-1_brain_mask.nii", "sub-2_space-MNI_desc-brain_mask.nii"):
        assert f"{mask}: a brain mask without an image is not used" in caplog.text
    touch("masks/sub-1/ses-1/sub-1_brain_mask.nii")
    assert found([image.parents[2]])["sub-1_ses-1"] == ["brain_mask", "t2"]


def test_files_in_a_session_folder_have_the_id_of_that_session(touch):
    names = [f"sub-1/ses-{n}/anat/sub-1_acq-{word}_T2w.nii" for n in (1, 2) for word in "ab"]
    paths = touch(*names, "sub-1/ses-1/anat/sub-1_acq-a_brain_mask.nii")
    assert found([paths[0].parents[3]]) == {
        "sub-1_ses-1_acq-a": ["brain_mask", "t2"], "sub-1_ses-1_acq-b": ["t2"],
        "sub-1_ses-2_acq-a": ["t2"], "sub-1_ses-2_acq-b": ["t2"],
    }  # fmt: skip
    assert found(paths[:1]) == {"sub-1_ses-1": ["brain_mask", "t2"]}


def test_files_in_two_spaces_have_ids_of_their_own(touch):
    names = ["sub-1_T1w.nii", "sub-1_T2w.nii", "sub-1_space-MNI_T1w.nii", "sub-1_space-MNI_desc-x_T2w.nii"]
    root = touch(*names, "sub-1_space-MNI_desc-brain_mask.nii", "sub-2_space-MNI_T1w.nii", "sub-2_T1w.nii")[
        0
    ].parent
    assert found([root], "t1", "t2") == {
        "sub-1": ["t1", "t2"], "sub-1_space-MNI": ["brain_mask", "t1", "t2"],
        "sub-2": ["t1"], "sub-2_space-MNI": ["t1"],
    }  # fmt: skip


def test_the_option_id_says_that_files_in_two_folders_are_of_one_case(touch):
    paths = touch("siteA/p1_t1.nii", "siteB/p1_t2.nii")
    with pytest.raises(DataError, match=r"different folders: siteA/p1_t1.nii and siteB/p1_t2.nii"):
        found(paths, "t1", "t2")
    assert found(paths, "t1", "t2", case_id="mine") == {"mine": ["t1", "t2"]}


@pytest.mark.parametrize(
    ("names", "case_id"),
    [
        (["P/anat1/sub-1_ses-d1_run-01_T1w.nii", "P/anat2/sub-1_ses-d1_T2w.nii"], "sub-1_ses-d1"),
        (["t1_mpr_sag/p1_t1.nii", "T2_TSE/p1_t2.nii"], "p1"),
        (["T1-weighted/p1_t1.nii", "T2_reg/p1_t2.nii"], "p1"),
        (["p1/scans/2-T1w/p1_T1w.nii", "p1/scans/5-T2w/p1_T2w.nii"], "p1"),
        (["p1/raw/p1_t1.nii", "p1/coreg/p1_t2.nii"], "p1"),
        (["sub-1_T1.nii", "sub-1_space-T1_T2.nii"], "sub-1"),
    ],
)
def test_folders_and_spaces_of_one_person_hold_the_files_of_one_case(touch, names, case_id):
    root = touch(*(f"all/{name}" for name in names))[0].parents[len(names[0].split("/")) - 1]
    assert found([root], "t1", "t2") == {case_id: ["t1", "t2"]}


@pytest.mark.parametrize(
    "mask", ["p1/bet/p1_brain_mask.nii", "hd-bet/p1/p1_brain_mask.nii", "HD-BET/p1_brain_mask.nii"]
)
def test_a_folder_of_a_skull_stripping_tool_holds_brain_masks(touch, mask):
    root = touch("p1/p1_t2.nii" if "/p1/" in f"/{mask}" else "t2/p1_t2.nii", mask)[0].parents[1]
    assert found([root]) == {"p1": ["brain_mask", "t2"]}


def test_the_option_id_joins_files_of_any_name_and_folder(touch):
    paths = touch("orig/T1.nii", "other/x_FLAIR.nii")
    assert found(paths, "t1", "flair", case_id="9") == {"9": ["flair", "t1"]}
