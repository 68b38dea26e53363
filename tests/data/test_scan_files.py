"""Scans for a trained model: cases are formed by names, and what a name does not say is not guessed."""

import logging

import pytest

from tests.helpers.found_scans import found
from uad_bench.data.scan_files import find_scans
from uad_bench.errors import DataError, UsageError


def test_a_folder_is_searched_and_what_is_not_used_is_counted(touch, caplog):
    touch("sub-1/anat/sub-1_T2w.nii.gz", "sub-1/anat/sub-1_FLAIR.nii.gz", "sub-1/anat/sub-1_bold.nii.gz",
          "derivatives/x/sub-1_T2w.nii.gz", ".hidden/sub-2_T2w.nii.gz")  # fmt: skip
    caplog.set_level(logging.INFO)
    root = touch("sub-3/anat/sub-3_T2w.nii")[0].parents[2]
    assert set(found([root])) == {"sub-1", "sub-3"}
    assert "2 NIfTI files are not used" in caplog.text


def test_what_a_name_does_not_say_is_said_by_the_option(touch):
    paths = touch("scan.nii.gz", "b_T2w.nii.gz")
    with pytest.raises(UsageError, match=r"the name says no modality.*--modality t2"):
        found(paths)
    assert found(paths, modality="t2") == {"scan": ["t2"], "b": ["t2"]}


@pytest.mark.parametrize(
    ("names", "error", "code"),
    [
        (["sub-1_FLAIR.nii.gz"], DataError, "UB332"),
        (["sub-1_ce-gd_T1w.nii.gz"], DataError, "UB332"),
        (["x/a_t2.nii", "y/a_t2.nii"], DataError, "UB335"),
        (["a_t2.dcm"], DataError, "UB323"),
        (["a_T2_brain.nii.gz"], UsageError, "UB251"),
    ],
)
def test_bad_files_are_refused(touch, names, error, code):
    with pytest.raises(error) as raised:
        found(touch(*names))
    assert raised.value.code == code


def test_bad_paths_and_options_are_refused(touch, tmp_path):
    (flair,) = touch("a_flair.nii")
    with pytest.raises(UsageError, match="--modality says t2, the name says flair"):
        found([flair], modality="t2")
    with pytest.raises(UsageError, match="no such file or folder"):
        found([tmp_path / "nowhere"])
    with pytest.raises(DataError, match="no t2 image in the folder; of its 1 NIfTI files"):
        found([flair.parent])


def test_links_to_folders_are_followed_once(touch, tmp_path):
    touch("real/sub-2/sub-2_T2w.nii")
    root = touch("tree/sub-1/sub-1_T2w.nii")[0].parents[1]
    (root / "sub-2").symlink_to(tmp_path / "in" / "real" / "sub-2")
    (root / "sub-1" / "up").symlink_to(root)
    assert set(found([root])) == {"sub-1", "sub-2"}


def test_a_folder_that_may_not_be_listed_is_refused(touch, monkeypatch):
    import os

    root = touch("sub-1/sub-1_T2w.nii", "sub-2/sub-2_T2w.nii")[0].parents[1]
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("sub-2"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(DataError, match=r"a folder cannot be listed.*sub-2"):
        found([root])


def test_a_brain_mask_may_have_the_whole_name_of_its_image(touch, caplog):
    names = ["case_T2w.nii.gz", "case_T2w_brain_mask.nii.gz"]
    assert found(touch(*names)) == {"case": ["brain_mask", "t2"]}
    names += ["case_T1w.nii.gz", "case_T1w_brain_mask.nii.gz"]
    (one,) = find_scans(touch(*names), ("t2",))
    assert one.fault is None and one.files["brain_mask"].name == names[1]
    assert (
        f"{names[3]}: the brain mask of a t1 image, which the model does not take, is not used" in caplog.text
    )
    (one,) = find_scans(touch(*names), ("t1", "t2"))
    assert one.fault is None and one.files["brain_mask"].name == names[3]


def test_a_brain_mask_that_is_named_itself_needs_its_image(touch):
    paths = touch("a_T2w.nii.gz", "b_brain_mask.nii.gz")
    with pytest.raises(UsageError, match="a brain mask without an image"):
        found(paths)
    assert found([paths[0].parent]) == {"a": ["t2"]}


def test_a_file_has_the_brain_mask_beside_it_as_its_folder_does(touch, caplog):
    paths = touch(
        "a_T2w.nii.gz", "a_brain_mask.nii.gz", "b_T2w.nii.gz", "c_T2w.nii.gz", "x/c_brain_mask.nii.gz"
    )
    both = ["brain_mask", "t2"]
    assert found(paths[:1]) == {"a": both} and found([paths[2]]) == {"b": ["t2"]}
    assert found([paths[3], paths[4]]) == {"c": both}  # the mask that is named itself
    assert found([paths[0], paths[0].parent / "a_brain_mask.nii.gz", paths[0].parent])["a"] == both
    assert found([*touch("scan.nii.gz", "scan_brainmask.nii")[:1]], modality="t2") == {"scan": both}


def test_a_brain_mask_of_the_whole_session_is_not_taken_for_one_file_of_it(touch, caplog):
    paths = touch("sub-1_acq-a_T2w.nii", "sub-1_acq-b_T2w.nii", "sub-1_brain_mask.nii")
    assert found(paths[:1]) == {"sub-1": ["t2"]}
    assert "sub-1_brain_mask.nii, may be of another image and is not used" in caplog.text


def test_a_file_that_is_named_in_two_ways_is_one_file(touch, monkeypatch):
    (path,) = touch("a_T2w.nii")
    monkeypatch.chdir(path.parent)
    assert found([path, path.parent, path.relative_to(path.parent)]) == {"a": ["t2"]}


def test_channels_whose_modality_no_name_says_are_refused(touch):
    paths = touch(*(f"imagesTr/MS_{n}_000{channel}.nii" for n in (1, 2) for channel in (0, 1)))
    with pytest.raises(UsageError, match="channels of one scan, and no name says") as raised:
        found([paths[0].parent], "flair", modality="flair")
    assert raised.value.code == "UB250"
    assert set(found([paths[1], paths[3]], "flair", modality="flair")) == {"MS_1_0001", "MS_2_0001"}
    scans = touch(
        *(f"scans/case_{n:04d}.nii" for n in range(1, 12)), "scans/other_0001.nii", "scans/other_0002.nii"
    )
    assert len(found([scans[0].parent], modality="t2")) == 13


@pytest.mark.parametrize(
    "names",
    [["case_0000_T2w.nii", "case_0001_T2w.nii"], ["imagesTr/sub_0001_T2.nii", "imagesTr/sub_0002_T2.nii"]],
)
def test_numbers_before_a_modality_are_no_channels(touch, names):
    assert len(found([touch(*names)[0].parent])) == 2


def test_where_all_files_are_masks_the_error_says_so(touch):
    path = touch("masks/p_T2w.nii")[0]
    with pytest.raises(DataError, match="its 1 NIfTI files are masks or maps, by their names or folders"):
        found([path.parent])


def test_the_hint_names_the_option_where_a_name_says_nothing(touch):
    root = touch("a_T1w.nii", "a_dwi.nii")[0].parent
    with pytest.raises(DataError, match=r"end the names in _t2$"):
        found([root])
    touch("b.nii")
    with pytest.raises(DataError, match=r"or add --modality t2$"):
        found([root])


def test_another_contrast_beside_the_scan_is_not_used(touch, caplog):
    caplog.set_level(logging.INFO)
    paths = touch("sub-1_T2w.nii", "sub-1_dwi.nii", "sub-2_dwi.nii")
    cases = find_scans(paths, ("t2",))
    assert {one.case_id: one.fault and one.fault.code for one in cases} == {"sub-1": None, "sub-2": "UB332"}
    assert "1 NIfTI files are not used: sub-1_dwi.nii (the model takes t2)" in caplog.text


def test_files_of_other_formats_are_counted_in_a_warning(touch, caplog):
    root = touch(
        "p1/a_T2w.nii", "p1/b_T2w.mgz", "p2/b_T2w.mgz", "c_T2w.nrrd", "d_T2w.nii.bz2", ".e.mgz", "f.json"
    )[-1].parent
    touch("derivatives/x.mgz")
    assert found([root]) == {"a": ["t2"]}
    for line in ("(2): p1/b_T2w.mgz, p2/b_T2w.mgz", "(1): c_T2w.nrrd", "(1): d_T2w.nii.bz2"):
        assert f"files of a format that is not supported {line}; convert them to .nii.gz" in caplog.text
    assert len(caplog.records) == 3
