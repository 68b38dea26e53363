"""The dataset `folder` with an nnU-Net dataset: images of one channel each, masks in a folder beside them."""

import json

import pytest

from tests.helpers.nnunet import read
from uad_bench import Case
from uad_bench.errors import DataError, UsageError
from uad_datasets.folder import FolderAdapter

BRATS = {"0": "FLAIR", "1": "T1w", "2": "T1gd", "3": "T2w"}


def test_a_case_has_the_channels_and_the_mask_of_its_name(nnunet):
    names = [f"imagesTr/{case}_{n:04d}" for case in ("a_1", "b") for n in range(4)]
    root = nnunet(*names, "labelsTr/a_1", "labelsTr/b", channel_names=BRATS)
    first, second = read(root, lesion_kind="glioma")
    assert (first.case_id, first.subject_id, first.healthy, first.lesion_kind) == (
        "a_1",
        "a_1",
        False,
        "glioma",
    )
    assert [(m, p.name) for m, p in second.images.items()] == [
        ("t1", "b_0001.nii.gz"),
        ("t1ce", "b_0002.nii.gz"),
        ("t2", "b_0003.nii.gz"),
        ("flair", "b_0000.nii.gz"),
    ]
    assert first.lesion_mask == root / "labelsTr/a_1.nii.gz"


def test_version_1_is_read_too(nnunet, caplog):
    root = nnunet("imagesTr/a_0000", "labelsTr/a", file_ending=".nii.gz")
    old = {
        "modality": {"0": "FLAIR"},
        "labels": {"0": "background", "1": "edema", "2": "core"},
        "numTraining": 2,
    }
    (root / "dataset.json").write_text(json.dumps(old))
    (case,) = read(root)
    assert list(case.images) == ["flair"]
    assert "count as lesion unless folder.lesion_labels is set: edema 1, core 2" in _plain(caplog)
    assert "training cases: 2 by numTraining of dataset.json, 1 found" in caplog.text


def test_files_that_the_json_lists_are_those_of_a_case(nnunet):
    listed = {
        "a": {"images": ["x/t2.nii.gz"], "label": "y/m.nii.gz"},
        "b": {"images": ["x/b.nii.gz"], "label": "m"},
    }
    root = nnunet("x/t2", "y/m", "x/b", dataset=listed, file_ending=None)
    case, fault = read(root)
    assert (case.case_id, case.images) == ("a", {"t2": root / "x/t2.nii.gz"})
    assert case.lesion_mask == root / "y/m.nii.gz"
    assert (fault.code, "no such file: lesion_mask" in str(fault)) == ("UB333", True)


@pytest.mark.parametrize(
    "files", [{"image": "x"}, {"images": "x.nii.gz", "label": "y"}, {"images": ["x"]}, ["x"]]
)
def test_files_that_the_json_lists_otherwise_are_an_error(nnunet, files):
    with pytest.raises(DataError, match="a has no images and label"):
        read(nnunet("x", dataset={"a": files}))


def test_one_file_as_image_and_as_mask_is_an_error(nnunet):
    same = {"images": ["x.nii.gz"], "label": "x.nii.gz"}
    (long,) = read(nnunet("x", dataset={"a": {"images": ["n" * 300], "label": "x.nii.gz"}}))
    assert long.code == "UB332"
    (fault,) = read(nnunet("x", dataset={"a": same}))
    assert fault.code == "UB329"


def test_each_case_counts_as_a_subject_but_for_ids_of_sessions(nnunet, caplog):
    names = ("sub-1_ses-a", "sub-1_ses-b", "c")
    root = nnunet(*(f"imagesTr/{one}_0000" for one in names), *(f"labelsTr/{one}" for one in names))
    assert [case.subject_id for case in read(root)] == ["c", "sub-1", "sub-1"]
    assert "each case counts as a subject of its own (1)" in caplog.text


def test_cases_of_a_folder_without_masks_are_left_out_unless_they_are_named(nnunet, caplog):
    root = nnunet("imagesTr/a_0000", "labelsTr/a", "imagesTs/h1_0000", "imagesTs/x_0000")
    assert [case.case_id for case in read(root)] == ["a"]
    assert "left out, because no case of their folder has a lesion mask" in caplog.text
    assert "(2): h1, x" in caplog.text
    assert [(case.case_id, case.healthy) for case in read(root, healthy=("h*",))] == [
        ("a", False),
        ("h1", True),
    ]
    assert [case.case_id for case in read(root, healthy=False)] == ["a", "h1", "x"]


def test_a_test_set_with_masks_is_read_and_a_missing_mask_among_others_is_an_error(nnunet):
    root = nnunet("imagesTr/a_0000", "labelsTr/a", "imagesTr/b_0000", "imagesTs/c_0000", "labelsTs/c")
    a, c, fault = sorted(read(root), key=lambda one: isinstance(one, DataError))
    assert (a.case_id, c.case_id) == ("a", "c")
    assert (fault.code, fault.where) == ("UB333", "b")
    assert [case.healthy for case in read(root, healthy=("b",))] == [False, True, False]


def test_a_mask_is_of_the_images_of_its_own_set(nnunet):
    root = nnunet("imagesTr/a_0000", "labelsTr/a", "labelsTr/b", "imagesTs/b_0000", "labelsPred/b")
    case, fault = sorted(read(root), key=lambda one: isinstance(one, DataError))
    assert case.case_id == "a"
    assert (fault.code, str(fault).startswith("a mask without an image: labelsTr/b.nii.gz")) == (
        "UB332",
        True,
    )


def test_one_id_in_two_sets_is_an_error_of_both(nnunet):
    root = nnunet("imagesTr/b_0000", "labelsTr/b", "imagesTs/b_0000", "labelsTs/b")
    faults = read(root)
    assert [(one.code, one.where) for one in faults] == [("UB329", "b, imagesTr"), ("UB329", "b, imagesTs")]
    assert "2 cases have this id" in str(faults[0])


def test_a_case_that_is_named_healthy_may_have_an_empty_mask(nnunet):
    root = nnunet("imagesTr/h1_0000", "labelsTr/h1", "imagesTr/a_0000", "labelsTr/a")
    assert [(case.case_id, case.healthy) for case in read(root, healthy=("h*",))] == [
        ("a", False),
        ("h1", True),
    ]


@pytest.mark.parametrize("mask", ["labelsTr/a.nii", "labelsTr/a.NII.GZ", ""])
def test_a_mask_that_cannot_be_read_makes_no_case_healthy(nnunet, mask):
    root = nnunet("imagesTr/a_0000", "imagesTr/b_0000", "labelsTr/b")
    target = root / (mask or "labelsTr/a.nii.gz")
    target.touch() if mask else target.symlink_to("../.git/annex/objects/x")
    fault, b = sorted(read(root, healthy=("*",)), key=lambda one: isinstance(one, Case))
    assert isinstance(fault, DataError)
    assert ("file_ending is .nii.gz" in str(fault)) == bool(mask)
    assert b.case_id == "b"


def test_numbers_of_files_are_those_of_the_json(nnunet, caplog):
    channels = {"0": "T2", "1": "FLAIR"}
    names = ("a_0000", "a_0001", "b_0000", "c_0000", "c_0001", "c_0002")
    files = [*(f"imagesTr/{one}" for one in names), "labelsTr/a", "labelsTr/b", "labelsTr/c"]
    a, b, fault = sorted(
        read(nnunet(*files, channel_names=channels)), key=lambda one: isinstance(one, DataError)
    )
    assert [list(one.images) for one in (a, b)] == [["t2", "flair"], ["t2"]]
    assert "dataset.json has no channel 2" in str(fault)
    assert "cases without all channels (1): b" in caplog.text


def test_links_within_and_out_of_the_root_are_read(nnunet, tmp_path):
    root = nnunet("raw/labels/a", "raw/images/a_0000")
    (root / "imagesTr").symlink_to("raw/images")
    (root / "labelsTr").symlink_to(root / "raw" / "labels")
    (case,) = read(root)
    assert case.lesion_mask == root / "labelsTr/a.nii.gz"


def test_images_without_the_number_of_their_channel_are_refused(nnunet):
    with pytest.raises(
        DataError, match=r"no image has the number of its channel: imagesTr/BRATS_1\.nii\.gz"
    ) as error:
        read(nnunet("imagesTr/BRATS_1", "labelsTr/BRATS_1"))
    assert "nnUNetv2_convert_MSD_dataset" in error.value.hint
    case, fault = sorted(
        read(nnunet("imagesTr/a_0000", "labelsTr/a", "labelsTr/BRATS_1")),
        key=lambda one: isinstance(one, DataError),
    )[:2]
    assert (case.case_id, fault.code) == ("a", "UB332")
    assert "an image without the number of its channel: imagesTr/BRATS_1.nii.gz" in str(fault)


def test_an_ending_that_no_image_has_is_named(nnunet):
    with pytest.raises(DataError, match=r"file_ending is \.nii, but the images end otherwise"):
        read(nnunet("imagesTr/a_0000", file_ending=".nii"))


def test_a_folder_of_several_datasets_names_them(nnunet):
    with pytest.raises(DataError, match=r"no dataset\.json") as error:
        read(nnunet("imagesTr/a_0000").parent)
    assert "name one of its folders as the root: data" in error.value.hint


def test_a_root_without_a_table_says_how_an_nnunet_dataset_is_read(nnunet):
    with pytest.raises(DataError) as error:
        list(FolderAdapter().discover(nnunet("imagesTr/a_0000")))
    assert error.value.hint == "for an nnU-Net dataset set folder.nnunet=true"


def test_options_that_do_not_fit_are_refused(nnunet):
    root = nnunet("imagesTr/a_0000")
    with pytest.raises(UsageError, match="exclude each other"):
        read(root, bids=True)
    with pytest.raises(UsageError, match="unknown key of columns 'age'"):
        read(root, columns={"age": "x"})


def _plain(caplog):
    return " ".join(caplog.text.split())


@pytest.mark.parametrize("second", ["imagesTr/a_0000.nii", "labelsTr/a.nii", "labelsTr/a.NII.GZ"])
def test_two_files_for_one_image_or_mask_are_an_error(nnunet, second):
    root = nnunet("imagesTr/a_0000", "labelsTr/a")
    (root / second).touch()
    (fault,) = read(root)
    assert (fault.code, fault.where) == ("UB329", "a")


@pytest.mark.parametrize("option", [{"entities": {"acq": "x"}}, {"last_run": True}, {"ignore_masks": ("x",)}])
@pytest.mark.parametrize("layout", [{"nnunet": True}, {}])
def test_an_option_of_bids_trees_is_not_ignored_in_another_layout(nnunet, option, layout):
    with pytest.raises(UsageError, match="is an option of BIDS trees alone"):
        FolderAdapter(**layout, **option).discover(nnunet("imagesTr/a_0000"))
