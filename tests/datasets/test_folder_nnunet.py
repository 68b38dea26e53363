"""The dataset `folder` with an nnU-Net dataset: channels and labels by dataset.json, masks in a folder beside."""

import json

import pytest

from uad_bench.errors import DataError, UsageError
from uad_datasets.folder import FolderAdapter

BRATS = {"0": "FLAIR", "1": "T1w", "2": "T1gd", "3": "T2w"}


@pytest.fixture
def nnunet(tree):
    """nnunet(*names, **content) -> a folder with empty images of these names and a dataset.json."""

    def make(*names, **content):
        root = tree("dataset.json", *(f"{name}.nii.gz" for name in names))
        told = {
            "channel_names": {"0": "T2"},
            "labels": {"background": 0, "lesion": 1},
            "file_ending": ".nii.gz",
        }
        (root / "dataset.json").write_text(json.dumps(told | content))
        return root

    return make


def read(root, **options):
    return list(FolderAdapter(nnunet=True, **options).discover(root))


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
    assert "labels that count as lesion unless folder.lesion_labels is set: 1 edema, 2 core" in _plain(caplog)
    assert "dataset.json says 2 training cases, 1 have a mask" in caplog.text


def test_files_that_the_json_lists_are_those_of_a_case(nnunet):
    listed = {
        "a": {"images": ["x/t2.nii.gz"], "label": "y/m.nii.gz"},
        "b": {"images": ["x/b.nii.gz"], "label": "y/m2"},
    }
    root = nnunet("x/t2", "y/m", "x/b", dataset=listed)
    case, fault = read(root)
    assert (case.case_id, case.images, case.lesion_mask) == (
        "a",
        {"t2": root / "x/t2.nii.gz"},
        root / "y/m.nii.gz",
    )
    assert "no such file" in str(fault)
    with pytest.raises(DataError, match="a has no images and label"):
        read(nnunet("x/t2", dataset={"a": {"image": "x/t2.nii.gz"}}))


def test_the_label_ignore_is_neither_lesion_nor_healthy(nnunet):
    root = nnunet("imagesTr/a_0000", "labelsTr/a", labels={"background": 0, "lesion": 1, "ignore": 2})
    assert read(root)[0].ignored_labels == (2,)
    assert read(root, ignored_labels=(7,))[0].ignored_labels == (7,)


def test_each_case_counts_as_a_subject_but_for_ids_of_sessions(nnunet, caplog):
    names = ("sub-1_ses-a", "sub-1_ses-b", "c")
    root = nnunet(*(f"imagesTr/{one}_0000" for one in names), *(f"labelsTr/{one}" for one in names))
    assert [case.subject_id for case in read(root)] == ["c", "sub-1", "sub-1"]
    assert "each case counts as a subject of its own (1)" in caplog.text


@pytest.mark.parametrize("columns", [{"t2": "zscore"}, {"t2": "0"}, {"t2": "0000"}, {"t2": 0}])
def test_a_channel_that_says_no_modality_is_named_by_the_user(nnunet, columns, caplog):
    channels = {"0": "zScore", "1": "ADC"}
    root = nnunet("imagesTr/a_0000", "imagesTr/a_0001", "labelsTr/a", channel_names=channels)
    with pytest.raises(DataError, match="no channel is of a known modality: zScore, ADC") as error:
        read(root)
    assert "folder.columns.t2=0" in error.value.hint
    (case,) = read(root, columns=columns)
    assert [path.name for path in case.images.values()] == ["a_0000.nii.gz"]
    assert "channels that are not read: ADC" in caplog.text


def test_a_modality_of_the_user_comes_before_the_name_of_a_channel(nnunet):
    root = nnunet(
        "imagesTr/a_0000", "labelsTr/a", "imagesTr/a_0001", channel_names={"0": "T1", "1": "T1_norm"}
    )
    (case,) = read(root, columns={"t1": "T1_norm"})
    assert {modality: path.name for modality, path in case.images.items()} == {"t1": "a_0001.nii.gz"}


def test_two_channels_of_one_modality_are_an_error(nnunet):
    with pytest.raises(DataError, match="two channels are t1: T1, T1w"):
        read(nnunet("imagesTr/a_0000", channel_names={"0": "T1", "1": "T1w"}))


@pytest.mark.parametrize(("columns", "words"), [({"t2": "adc"}, "no channel 'adc'")])
def test_a_channel_that_is_not_there_is_an_error(nnunet, columns, words):
    with pytest.raises(DataError, match=words) as error:
        read(nnunet("imagesTr/a_0000"), columns=columns)
    assert "0 T2" in error.value.hint


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


def test_a_mask_without_an_image_and_two_images_of_one_name_are_errors(nnunet):
    a, b = read(nnunet("labelsTr/a", "imagesTr/b_0000", "labelsTr/b", "imagesTs/b_0000", "labelsTs/b"))
    assert "a mask without an image" in str(a)
    assert "two files for" in str(b)


def test_images_without_the_number_of_their_channel_are_refused(nnunet):
    with pytest.raises(
        DataError, match=r"without the number of its channel: imagesTr/BRATS_001\.nii\.gz"
    ) as error:
        read(nnunet("imagesTr/BRATS_001", "labelsTr/BRATS_001"))
    assert "nnUNetv2_convert_MSD_dataset" in error.value.hint


def test_a_folder_of_several_datasets_names_them(nnunet):
    with pytest.raises(DataError, match=r"no dataset\.json") as error:
        read(nnunet("imagesTr/a_0000").parent)
    assert "name one of its folders as the root: data" in error.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"file_ending": ".mha"}, "files .mha are not read"),
        ({"channel_names": {"T2": "0"}}, "no channel_names"),
        ({"channel_names": ["T2"]}, "no channel_names"),
    ],
)
def test_a_json_that_cannot_be_used_is_an_error(nnunet, content, words):
    with pytest.raises(DataError, match=words):
        read(nnunet("imagesTr/a_0000", **content))


def test_a_json_that_is_no_json_is_an_error(nnunet):
    root = nnunet("imagesTr/a_0000")
    (root / "dataset.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        read(root)


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
