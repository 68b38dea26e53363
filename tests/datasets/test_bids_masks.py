"""Masks of BIDS trees: which are lesions, and which are an error; no patient becomes healthy by one."""

import pytest

from uad_datasets.folder import FolderAdapter


@pytest.mark.parametrize(
    "mask",
    [
        *("mask", "dseg", "seg", "label-brainlesion_mask", "desc-noLesion_mask", "seg-manual", "label-x_roi"),
        *("segmentation", "manualsegmentation", "labelmap", "consensus_gt", "mslesions", "desc-lesion_T1w"),
    ],
)
def test_a_mask_that_nothing_explains_is_an_error_until_it_is_named(tree, sort_out, mask):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", f"derivatives/m/sub-01/anat/sub-01_{mask}.nii.gz")
    cases, (fault,) = sort_out(FolderAdapter(bids=True, healthy=("sub-*",)), root)
    assert (cases, fault.code) == ([], "UB333")
    assert f"sub-01_{mask}.nii.gz" in str(fault)
    assert "[T1w]" not in str(fault)  # this would name the image
    (case,) = FolderAdapter(bids=True, lesion_masks=(mask,)).discover(root)
    assert (case.healthy, case.lesion_mask is None) == (False, False)
    (case,) = FolderAdapter(bids=True, healthy=("sub-*",), ignore_masks=(mask,)).discover(root)
    assert (case.healthy, case.lesion_mask) == (True, None)


@pytest.mark.parametrize(
    "mask",
    [
        *(
            "label-brainstem_mask",
            "label-GM_probseg",
            "desc-aseg_dseg",
            "defacemask",
            "label-GM_segmentation",
        ),
        *("desc-brain_segmentation", "lesion_filled_T1", "lesionfilled", "desc-lesionfilled_T1w"),
    ],
)
def test_known_anatomy_is_neither_brain_nor_lesion(tree, mask):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", f"derivatives/m/sub-01/anat/sub-01_{mask}.nii.gz")
    (case,) = FolderAdapter(bids=True, healthy=("sub-*",)).discover(root)
    assert (case.brain_mask, case.lesion_mask) == (None, None)


@pytest.mark.parametrize(
    "mask",
    ["anat/sub-01_space-MNI152_label-lesion_mask", "dwi/sub-01_space-TRACE_desc-lesion_mask"],
)
def test_a_lesion_mask_that_is_not_read_is_an_error(tree, sort_out, mask):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", f"derivatives/m/sub-01/{mask}.nii.gz")
    cases, (fault,) = sort_out(FolderAdapter(bids=True, healthy=("sub-*",)), root)
    assert cases == []
    assert "a mask that may show lesions is not read" in str(fault)


def test_a_lesion_mask_whose_content_is_not_fetched_is_an_error(tree, sort_out):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz")
    (root / "sub-01/anat/sub-01_label-lesion_mask.nii.gz").symlink_to(".git/annex/objects/x")
    cases, (fault,) = sort_out(FolderAdapter(bids=True, healthy=("sub-*",)), root)
    assert cases == []
    assert "not fetched" in str(fault)


@pytest.mark.parametrize("name", ["label-lesion_mask.mgz", "mask.nrrd", "MSlesions.nii.bz2"])
def test_a_mask_of_a_format_that_is_not_read_is_an_error_until_it_is_ignored(tree, sort_out, name):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", f"derivatives/m/sub-01/anat/sub-01_{name}")
    tree("sub-02/anat/sub-02_T1w.nii.gz", "sub-02/anat/sub-02_T1w.mgz", "sub-02/anat/sub-02_aseg.mgz")
    cases, (fault,) = sort_out(FolderAdapter(bids=True, healthy=("sub-*",)), root)
    assert ([case.case_id for case in cases], fault.where, fault.code) == (["sub-02"], "sub-01", "UB333")
    assert "its format is not supported" in str(fault) and name in str(fault)
    ignored = FolderAdapter(bids=True, healthy=("sub-*",), ignore_masks=(name.partition(".")[0],))
    assert [case.healthy for case in ignored.discover(root)] == [True, True]
    tree("sub-01/anat/sub-01_label-lesion_roi.nii.gz")
    assert [case.healthy for case in FolderAdapter(bids=True, healthy=("sub-02",)).discover(root)] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    "mask",
    ["sub-01/anat/segmentation", "sub-01/anat/lesions.x", "sub-01/mask", "sub-01/lesion_map"],
)
def test_a_mask_without_subject_in_its_name_is_of_the_subject_of_its_folder(tree, sort_out, mask):
    name = f"{mask}.nii.gz" if "." not in mask else mask.replace(".x", ".mgz")
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", "sub-02/anat/sub-02_T1w.nii.gz", name)
    cases, (fault,) = sort_out(FolderAdapter(bids=True, healthy=("sub-*",)), root)
    assert ([case.case_id for case in cases], fault.where, fault.code) == (["sub-02"], "sub-01", "UB333")


def test_files_of_pipelines_without_subject_in_their_names_are_not_of_the_anatomy(tree, caplog):
    root = tree(
        "sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/brain_mask.nii.gz", "derivatives/fs/sub-01/mri/aseg.mgz",
        "derivatives/fs/sub-01/mri/brainmask.mgz", "derivatives/fsl/sub-01/anat.anat/T1_fast_seg.nii.gz",
        "derivatives/x/sub-01/rois/roi.nii.gz",
    )  # fmt: skip
    (case,) = FolderAdapter(bids=True, healthy=("sub-*",)).discover(root)
    assert (case.healthy, case.brain_mask, caplog.text) == (True, None, "")


def test_a_lesion_mask_of_no_subject_is_named(tree, caplog):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", "derivatives/labels/01_lesion_mask.nii.gz")
    list(FolderAdapter(bids=True, healthy=("sub-*",)).discover(root))
    assert "in name and folder are not read (1): derivatives/labels/01_lesion_mask.nii.gz" in caplog.text


@pytest.mark.parametrize(
    "name",
    ["samseg/sub-01/seg.mgz", "synthseg/sub-01/seg.nii.gz", "hdbet/sub-01/mask.nii.gz",
     "fsl/sub-01/anat/T1_fast_seg.nii.gz", "lqt/sub-01/sub-01_lesiondisconnection.nii.gz"],
)  # fmt: skip
def test_outputs_of_programs_in_derivatives_are_no_error_of_a_healthy_subject(tree, sort_out, name):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", f"derivatives/{name}")
    cases, faults = sort_out(FolderAdapter(bids=True, healthy=("sub-*",)), root)
    assert ([case.healthy for case in cases], faults) == ([True], [])


def test_a_lesion_mask_with_its_subject_is_read_before_one_without(tree, caplog):
    named = "sub-01/anat/sub-01_label-lesion_mask.nii.gz"
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", named, "derivatives/lst/sub-01/lesion_mask.nii.gz")
    (case,) = FolderAdapter(bids=True).discover(root)
    assert case.lesion_mask == root / named
    assert (
        "lesion masks beside one that names its subject are not read (1): sub-01: sub-01/lesion_mask"
        in caplog.text
    )


def test_a_lesion_mask_without_subject_is_of_the_subject_that_the_root_is(tree):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/lesion_mask.nii.gz") / "sub-01"
    (case,) = FolderAdapter(bids=True, healthy=("sub-*",)).discover(root)
    assert not case.healthy and case.lesion_mask == root / "anat" / "lesion_mask.nii.gz"


def test_a_mask_without_session_serves_the_sessions_on_its_grid(write_nifti, tmp_path, sort_out):
    import numpy as np

    array = np.arange(60).reshape(3, 4, 5).astype(np.int16)
    for session, size in (("1", 1), ("2", 1), ("3", 2)):
        name = f"sub-01/ses-{session}/anat/sub-01_ses-{session}_T1w.nii.gz"
        write_nifti(name, array, np.diag([size, size, size, 1]))
    mask = write_nifti("derivatives/sub-01/sub-01_label-lesion_mask.nii.gz", (array > 50).astype(np.uint8))
    cases, (fault,) = sort_out(FolderAdapter(bids=True), tmp_path)
    assert [(case.case_id, case.lesion_mask) for case in cases] == [
        ("sub-01_ses-1", mask), ("sub-01_ses-2", mask),
    ]  # fmt: skip
    assert fault.where == "sub-01_ses-3"


def test_another_grid_of_a_mask_without_session_is_allowed_for_one_session_alone(
    write_nifti, tmp_path, sort_out, caplog
):
    import numpy as np

    array = np.ones((3, 4, 5), np.uint8)
    for session, size in (("01_ses-1", 1), ("01_ses-2", 2), ("02_ses-1", 2)):
        path = f"sub-{session.replace('_', '/')}/anat/sub-{session}_T1w.nii.gz"
        write_nifti(path, array, np.diag([size, size, size, 1]))
    for name in ("01_label-lesion_mask", "01_desc-brain_mask", "02_label-lesion_mask"):
        write_nifti(f"derivatives/m/sub-{name}.nii.gz", array)
    cases, (fault,) = sort_out(FolderAdapter(bids=True, allow_other_mask_grid=True), tmp_path)
    assert [(case.case_id, case.healthy) for case in cases] == [
        ("sub-01_ses-1", False),
        ("sub-02_ses-1", False),
    ]
    assert fault.where == "sub-01_ses-2" and "its name has no session, its subject has several" in str(fault)
    assert cases[0].brain_mask is not None
    assert "sub-01_ses-2: a brain mask without session on another grid is not read" in caplog.text
