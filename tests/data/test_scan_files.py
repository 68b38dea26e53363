"""Scans for a trained model: cases are formed by names, and what a name does not say is not guessed."""

import logging

import pytest

from uad_bench.data.scan_files import find_scans
from uad_bench.errors import DataError, UsageError


@pytest.fixture
def touch(tmp_path):
    """touch(names ...) -> the paths, made below a folder."""

    def make(*names):
        paths = [tmp_path / "in" / name for name in names]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return paths

    return make


def found(paths, *wanted, **said):
    return {one.case_id: sorted(one.files) for one in find_scans(paths, wanted or ("t2",), **said)}


@pytest.mark.parametrize(
    ("name", "case_id"),
    [
        ("sub-01_T2w.nii.gz", "sub-01"),
        ("sub-01_ses-b_acq-iso_T2w.nii.gz", "sub-01_ses-b"),
        ("patient1_study1_T2W.nii.gz", "patient1_study1"),
        ("BraTS2021_00001_t2.nii", "BraTS2021_00001"),
        ("IXI002-Guys-0828-T2.NII.GZ", "IXI002-Guys-0828"),
    ],
)
def test_the_id_is_the_name_without_the_modality(touch, name, case_id):
    assert found(touch(name)) == {case_id: ["t2"]}


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


def test_masks_and_maps_are_no_scans_whatever_the_option_says(touch, caplog):
    touch("predictions/sub-1/anat/sub-1_x.nii.gz")[0].parents[2].joinpath(
        "dataset_description.json"
    ).write_text('{"DatasetType": "derivative"}')
    words = ("lesions", "brain_mask", "seg", "dseg", "mask", "desc-x_scoremap", "T2w_seg")
    paths = touch("pat1.nii.gz", *(f"pat1_{word}.nii.gz" for word in words))
    caplog.set_level(logging.INFO)
    assert found([paths[0].parent], modality="t2") == {"pat1": ["brain_mask", "t2"]}
    assert "1 scans: pat1.nii.gz" in caplog.text and "no scans are taken from it" in caplog.text
    with pytest.raises(UsageError, match="the name says a mask or a map"):
        found(paths, modality="t2")


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


def test_a_t2w_file_of_the_acquisition_flair_is_a_flair_image(touch, caplog):
    touch("sub-1/anat/sub-1_acq-FLAIR_run-1_T2w.nii", "sub-1/anat/sub-1_acq-FLAIR_run-1_T2w_brain_mask.nii")
    root = touch("sub-2/anat/sub-2_acq-tse_T2w.nii", "sub-2/anat/sub-2_space-FLAIR_T2w.nii")[0].parents[2]
    assert found([root], "flair") == {"sub-1": ["brain_mask", "flair"]}
    text = "T2w files with acq-FLAIR are read as flair (1): sub-1_acq-FLAIR_run-1_T2w.nii"
    assert caplog.text.count(text) == 1
    assert set(found([root], "t2")) == {"sub-2_acq-tse", "sub-2_space-FLAIR"}
    (path,) = touch("sub-1/anat/sub-1_acq-FLAIR_run-1_T2w.nii")
    with pytest.raises(UsageError, match="--modality says t2, the name says flair"):
        found([path], modality="t2")


@pytest.mark.parametrize("part", ["phase", "real", "imag"])
def test_of_a_complex_image_the_magnitude_alone_is_a_scan(touch, caplog, part):
    caplog.set_level(logging.INFO)
    paths = touch("sub-1/sub-1_part-mag_T2w.nii", f"sub-1/sub-1_part-{part}_T2w.nii")
    for modality in ("", "t2"):
        (case,) = find_scans([paths[0].parent], ("t2",), modality)
        assert (case.case_id, case.files) == ("sub-1", {"t2": paths[0]})
    assert f"1 NIfTI files are not used: {paths[1].name}" in caplog.text
    with pytest.raises(UsageError, match="the name says a mask or a map"):
        found(paths[1:], modality="t2")


OTHERS = [
    "dwi",
    "ADC",
    "T1map",
    "T2starw",
    "UNIT1",
    "MP2RAGE",
    "swi",
    "bold",
    "angio",
    "asl",
    "PDw",
    "T1WKS",
    "3DT1",
    "t1n",
]


@pytest.mark.parametrize("word", [*OTHERS, "t2f", "T1w_brain", "T2_FLAIR_reg", "flair-brain", "mprage_1"])
def test_modality_is_refused_for_a_name_that_says_another_contrast(touch, caplog, word):
    caplog.set_level(logging.INFO)
    paths = touch(f"a_{word}.nii", "b_T2_brain.nii", "c.nii", "sub-1_space-T1w_brain.nii")
    with pytest.raises(UsageError, match=r"the name says") as raised:
        found(paths[:1], modality="t2")
    assert raised.value.code == "UB250"
    assert set(found([paths[0].parent], modality="t2")) == {"b_T2_brain", "c", "sub-1"}
    assert f"1 NIfTI files are not used: a_{word}.nii" in caplog.text


@pytest.mark.parametrize(
    ("word", "modality"),
    [
        ("t1n", "t1"),
        ("3DT1", "t1"),
        ("t2f", "flair"),
        ("3D-FLAIR", "flair"),
        ("T1WKS", "t1ce"),
        ("t1c", "t1ce"),
    ],
)
def test_words_of_public_sets_say_a_modality(touch, word, modality):
    (one,) = find_scans(touch(f"case-7-{word}.nii"), (modality,))
    assert set(one.files) == {modality}


def test_a_name_that_is_a_modality_alone_says_it(touch):
    (path, other) = touch("p/T2.nii", "p/T1.nii")
    assert found([path]) == found([path.parent], modality="t2") == {"T2": ["t2"]}
    with pytest.raises(UsageError, match="--modality says t2, the name says t1"):
        found([other], modality="t2")


@pytest.mark.parametrize(
    "name",
    ["a_consensus_gt.nii", "wmh.nii", "a_wmh.nii", "a_tumor.nii", "aparc+aseg.nii", "a_lesionseg.nii", "brainmask.nii",
     "a_pve_0.nii", "labelsTr/MS_001.nii", "labels/a.nii", "masks/a.nii", "c1sub-01_T2w.nii", "mwp1sub-01_T2w.nii",
     "y_sub-01_T2w.nii"],
)  # fmt: skip
def test_names_and_folders_of_masks_and_maps_are_no_scans(touch, caplog, name):
    caplog.set_level(logging.INFO)
    path, good = touch(f"in/{name}", "in/good_T2w.nii")
    for modality in ("", "t2"):
        assert found([good.parent], modality=modality) == {"good": ["t2"]}
        with pytest.raises(UsageError, match="the name says a mask or a map"):
            found([path], modality=modality)
    assert caplog.text.count(f"1 NIfTI files are not used: {path.name}") == 2


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


@pytest.mark.parametrize("space", ["T2w", "T1w", "FLAIR"])
def test_the_space_of_a_file_is_not_its_modality(touch, space):
    paths = touch("sub-1_FLAIR.nii", f"sub-1_space-{space}_desc-brain_mask.nii", f"sub-1_space-{space}.nii")
    assert found([paths[0].parent], "flair") == {"sub-1": ["brain_mask", "flair"]}
    with pytest.raises(UsageError, match="the name says no modality"):
        found(paths[2:], "flair")
    touch(f"sub-2_space-{space}_FLAIR.nii", f"sub-2_space-{space}_T1w_brain_mask.nii")
    assert found([paths[0].parent], "flair")["sub-2"] == ["flair"]


@pytest.mark.parametrize(
    "mask", ["func/sub-1_task-rest_desc-brain_mask", "dwi/sub-1_desc-brain_mask", "anat/sub-1_dwi_brain_mask"]
)
def test_the_brain_mask_of_a_functional_or_diffusion_image_is_not_used(touch, caplog, mask):
    caplog.set_level(logging.INFO)
    image, path = touch("sub-1/anat/sub-1_T2w.nii", f"sub-1/{mask}.nii")
    assert found([image.parents[2]]) == {"sub-1": ["t2"]}
    assert path.name in caplog.text
