"""The dataset.json of an nnU-Net dataset: channels, labels, and files that cannot be used."""

import pytest

from tests.helpers.nnunet import read
from uad_bench.config import checked_parameters
from uad_bench.errors import DataError
from uad_datasets.folder import FolderAdapter


@pytest.mark.parametrize(
    "labels", [{"background": 0, "lesion": 1, "ignore": 2}, {"0": "background", "1": "lesion", "2": "ignore"}]
)
def test_the_label_ignore_is_neither_lesion_nor_healthy(nnunet, labels):
    root = nnunet("imagesTr/a_0000", "labelsTr/a", labels=labels)
    assert read(root)[0].ignored_labels == (2,)
    assert read(root, ignored_labels=(7,))[0].ignored_labels == (7, 2)
    assert read(root, lesion_labels=(1, 2))[0].ignored_labels == ()
    assert read(root, mask_threshold=0.5)[0].ignored_labels == ()


@pytest.mark.parametrize("value", ["2", [2], True, 0])
def test_a_label_ignore_that_is_no_value_is_an_error(nnunet, value):
    with pytest.raises(DataError, match="the label ignore is"):
        read(nnunet("imagesTr/a_0000", "labelsTr/a", labels={"background": 0, "lesion": 1, "ignore": value}))


@pytest.mark.parametrize("columns", [{"t2": "zscore"}, {"t2": "0"}, {"t2": "0000"}, {"t2": 0}])
def test_a_channel_that_says_no_modality_is_named_by_the_user(nnunet, columns, caplog):
    channels = {"0": "zScore", "1": "ADC"}
    root = nnunet("imagesTr/a_0000", "imagesTr/a_0001", "labelsTr/a", channel_names=channels)
    with pytest.raises(DataError, match="no channel is of a known modality: 0 zScore, 1 ADC") as error:
        read(root)
    assert "folder.columns.t2=0" in error.value.hint
    (case,) = read(root, columns=columns)
    assert [path.name for path in case.images.values()] == ["a_0000.nii.gz"]
    assert "channels that are not read: 1 ADC" in caplog.text


def test_the_channel_of_the_hint_is_one_that_the_command_line_takes(nnunet):
    root = nnunet("imagesTr/a_0000", "labelsTr/a", channel_names={"0": "MRI"})
    options = checked_parameters(FolderAdapter, {"nnunet": True, "columns": {"t2": 0}}, "folder")
    (case,) = FolderAdapter(**options).discover(root)
    assert list(case.images) == ["t2"]


@pytest.mark.parametrize("name", ["T2*", "T1+", "T1 (+)", "T2'", "T2star"])
def test_marks_make_another_contrast(nnunet, name):
    with pytest.raises(DataError, match="no channel is of a known modality"):
        read(nnunet("imagesTr/a_0000", "labelsTr/a", channel_names={"0": name}))


def test_a_modality_of_the_user_comes_before_the_name_of_a_channel(nnunet):
    root = nnunet(
        "imagesTr/a_0000", "labelsTr/a", "imagesTr/a_0001", channel_names={"0": "T1", "1": "T1_norm"}
    )
    (case,) = read(root, columns={"t1": "T1_norm"})
    assert {modality: path.name for modality, path in case.images.items()} == {"t1": "a_0001.nii.gz"}


def test_two_channels_of_one_modality_are_an_error(nnunet):
    with pytest.raises(DataError, match="two channels are t1: 0 T1, 1 T1w"):
        read(nnunet("imagesTr/a_0000", channel_names={"0": "T1", "1": "T1w"}))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"t2": "adc"}, "no channels are 'adc'"),
        ({"t2": "mri"}, "2 channels are 'mri'"),
        ({"t1": "0", "t2": "0"}, "two modalities are one channel: t1, t2"),
    ],
)
def test_a_wish_that_no_single_channel_fulfils_is_an_error(nnunet, columns, words):
    channels = {"0": "T2", "1": "MRI", "2": "mri"}
    with pytest.raises(DataError, match=words):
        read(nnunet("imagesTr/a_0000", channel_names=channels), columns=columns)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"file_ending": ".mha"}, "files .mha are not read"),
        ({"channel_names": {"T2": "0"}}, "does not number the channels"),
        ({"channel_names": {"1": "T2"}}, "does not number the channels"),
        ({"channel_names": ["T2"]}, "does not number the channels"),
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
