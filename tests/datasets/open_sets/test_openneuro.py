import pytest

from uad_bench.errors import DataError
from uad_datasets.folder import FolderAdapter
from uad_datasets.open_sets.openneuro import MAPPINGS, OpenNeuroAdapter

DLBS = "sub-1003/ses-wave1/anat/sub-1003_ses-wave1_acq"


@pytest.fixture
def dlbs(tree):
    root = tree(f"{DLBS}-MPRAGE_run-1_T1w.nii.gz", *(f"{DLBS}-FLAIR_run-{n}_T2w.nii.gz" for n in (1, 2)))
    (root / "participants.tsv").write_text(
        "participant_id\tAgeMRI_W1\tAgeMRI_W2\nsub-1003\t61\txx\nsub-1004\t30\told\n"
    )
    return root


def test_dlbs_has_its_flair_from_the_last_run_and_the_age_of_the_wave(dlbs, caplog):
    (case,) = OpenNeuroAdapter(set="ds004856").discover(dlbs)
    assert (case.dataset, case.case_id, case.healthy) == ("openneuro", "sub-1003_ses-wave1", True)
    assert {modality: path.name for modality, path in case.images.items()} == {
        "t1": "sub-1003_ses-wave1_acq-MPRAGE_run-1_T1w.nii.gz",
        "flair": "sub-1003_ses-wave1_acq-FLAIR_run-2_T2w.nii.gz",
    }
    assert (case.age, case.stripped) == (61, False)
    assert (
        "other runs of an image than the last fetched one are not read (1): sub-1003_ses-wave1_acq-FLAIR_run-1"
        in caplog.text
    )
    assert "AgeMRI_W2 of sub-1004 is not used" in caplog.text


def test_the_pixar_children_have_ages_and_sexes(tree):
    root = tree("sub-pixar001/anat/sub-pixar001_T1w.nii.gz")
    (root / "participants.tsv").write_text("participant_id\tAge\tGender\nsub-pixar001\t4.77\tM\n")
    (case,) = OpenNeuroAdapter(set="ds000228").discover(root)
    assert (case.healthy, case.age, case.sex, list(case.images)) == (True, 4.77, "m", ["t1"])


def test_the_name_of_a_folder_tells_the_set(tree):
    root = tree("ds003592-download/sub-01/ses-1/anat/sub-01_ses-1_FLAIR.nii.gz") / "ds003592-download"
    (case,) = OpenNeuroAdapter().discover(root)
    assert (case.case_id, list(case.images)) == ("sub-01_ses-1", ["flair"])


@pytest.mark.parametrize(
    ("folder", "words"), [("data", "the set is not named"), ("ds000030", "there is no mapping for ds000030")]
)
def test_a_set_without_mapping_is_an_error_that_names_those_with_one(tmp_path, folder, words):
    with pytest.raises(DataError, match=words) as caught:
        list(OpenNeuroAdapter().discover(tmp_path / folder))
    assert caught.value.code == "UB334"
    assert "--set openneuro.set=ds000228 or ds003592 or ds004856" in str(caught.value)


@pytest.mark.parametrize("number", ["ds000228", "ds003592", "ds004856"])
def test_each_set_has_a_mapping(number):
    assert (MAPPINGS / f"{number}.yaml").is_file()


def test_runs_without_the_option_are_still_an_error(dlbs, sort_out):
    cases, (fault,) = sort_out(FolderAdapter(bids=True, healthy=("sub-*",)), dlbs)
    assert (cases, fault.code) == ([], "UB329")


@pytest.mark.parametrize(("run", "read"), [("_run-1", False), ("", False), ("_run-2", True)])
def test_a_lesion_mask_of_an_earlier_run_is_not_that_of_the_last_one(tree, sort_out, run, read):
    names = [f"sub-01/anat/sub-01_run-{n}_T1w.nii.gz" for n in (1, 2)]
    root = tree(*names, f"sub-01/anat/sub-01{run}_label-lesion_mask.nii.gz")
    cases, faults = sort_out(FolderAdapter(bids=True, last_run=True), root)
    assert [case.lesion_mask is not None for case in cases] == [True] * read
    assert [fault.code for fault in faults] == ["UB333"] * (not read)


def test_a_last_run_that_is_not_fetched_gives_way_and_functional_runs_are_not_counted(tree, caplog):
    anat = [f"sub-01/anat/sub-01_run-{n}_T1w.nii.gz" for n in (1, 2)]
    root = tree(*anat, *(f"sub-01/func/sub-01_run-{n}_bold.nii.gz" for n in (1, 2)))
    (root / anat[1]).unlink()
    (root / anat[1]).symlink_to("../../.git/annex/objects/none")
    (case,) = FolderAdapter(bids=True, last_run=True, healthy=("sub-*",)).discover(root)
    assert case.images["t1"].name == "sub-01_run-1_T1w.nii.gz"
    assert "not read (1): sub-01_run-2_T1w" in caplog.text
