"""Names and descriptions as BIDS derivatives have them."""

import json
import re
from pathlib import Path

import pytest

from uad_bench.errors import UsageError
from uad_bench.results import bids

# Entities, in this order, each with letters and digits; then a suffix (BIDS 1.10, appendix "filename template").
NAME = re.compile(r"sub-[0-9a-zA-Z]+(_ses-[0-9a-zA-Z]+)?_desc-[0-9a-zA-Z]+_(scoremap|mask)\.(nii\.gz|json)")


def test_values_are_letters_and_digits():
    assert bids.value("Site_1-0002.b:c") == "Site10002bc"


@pytest.mark.parametrize(
    ("cases", "names"),
    [
        ([("a", "s1", "s1")], ["sub-s1"]),
        ([("a", "p-7", "other-name-0007")], ["sub-p7"]),
        ([("a", "sub-01", "sub-01_ses-a"), ("a", "sub-01", "sub-01_ses-b")], ["sub-01_ses-a", "sub-01_ses-b"]),
        ([("a", "r01", "r01_ses-1"), ("a", "r01", "r01_ses-2")], ["sub-r01_ses-1", "sub-r01_ses-2"]),
        ([("a", "G-05", "G-2021-05-000"), ("a", "G-05", "G-2021-05-001")],
         ["sub-G05_ses-G202105000", "sub-G05_ses-G202105001"]),
        ([("a", "s", "s"), ("a", "s", "s_2")], ["sub-s_ses-s", "sub-s_ses-2"]),
        ([("a", "s", "s"), ("b", "s", "s")], ["sub-s", "sub-s"]),
    ],
)  # fmt: skip
def test_a_session_is_named_where_a_subject_has_several_cases(cases, names):
    assert [bids.names(cases)[key] for key in cases] == names


def test_files_lie_where_their_entities_say():
    assert bids.image_path("sub-s", "vae:small", "mask") == Path("sub-s/anat/sub-s_desc-vaesmall_mask.nii.gz")
    image = bids.image_path("sub-s_ses-2", "vae", "scoremap")
    assert image == Path("sub-s/ses-2/anat/sub-s_ses-2_desc-vae_scoremap.nii.gz")
    assert NAME.fullmatch(image.name) and NAME.fullmatch(bids.sidecar(image).name)


@pytest.mark.parametrize("pair", [("sub-1", "sub1"), ("Ab", "aB")])
def test_two_things_of_one_name_are_refused(pair):
    with pytest.raises(UsageError, match="would both be") as caught:
        bids.refuse_twins("subjects", [(own, bids.value(own)) for own in pair])
    assert caught.value.code == "UB230"
    bids.refuse_twins("subjects", [("a", "x"), ("a", "x"), ("b", "y")])


def test_a_folder_becomes_a_derivative_dataset_once(tmp_path):
    for _ in range(2):
        bids.begin(tmp_path / "d", {"Name": "uad-bench", "Version": "1"})
    about = json.loads((tmp_path / "d/dataset_description.json").read_text())
    assert about["DatasetType"] == "derivative" and about["BIDSVersion"] and about["Name"]
    assert about["GeneratedBy"] == [{"Name": "uad-bench", "Version": "1"}]
    assert "*_scoremap.nii.gz" in (tmp_path / "d/.bidsignore").read_text().splitlines()


@pytest.mark.parametrize(
    "text", ['{"Name": "mine"}', '{"GeneratedBy": [{"Name": "fmriprep"}]}', "no json", "[]"]
)
def test_somebody_elses_dataset_stays_as_it_is(tmp_path, text):
    (tmp_path / "dataset_description.json").write_text(text)
    with pytest.raises(UsageError, match="another dataset"):
        bids.begin(tmp_path, {"Name": "uad-bench"})
    assert [p.name for p in tmp_path.iterdir()] == ["dataset_description.json"]
    assert (tmp_path / "dataset_description.json").read_text() == text


def test_what_another_verb_ignores_in_the_folder_stays(tmp_path):
    bids.begin(tmp_path, {"Name": "uad-bench"}, "*_scoremap.png\npredictions.tsv\n")
    first = (tmp_path / ".bidsignore").read_bytes()
    bids.begin(tmp_path, {"Name": "uad-bench"})
    assert (tmp_path / ".bidsignore").read_bytes() == first and b"predictions.tsv" in first
