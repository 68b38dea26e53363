"""What names of files and folders say of a scan; what they do not say is not guessed."""

import logging

import pytest

from tests.helpers.found_scans import found
from uad_bench.data.scan_files import find_scans
from uad_bench.errors import UsageError


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
