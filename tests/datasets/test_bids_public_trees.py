"""BIDS trees as public sets have them (shared/cases): a patient never becomes healthy because of a file's name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from uad_bench import Case
from uad_datasets.folder import FolderAdapter


@pytest.fixture
def made(tmp_path):
    """made(name, *variant) -> the folder that a make.py of shared/cases wrote."""
    shared = os.environ.get("UAD_BENCH_SHARED", Path(__file__).resolve().parents[3] / "shared")
    cases = Path(shared) / "cases"
    if not cases.is_dir():
        pytest.skip("no cases at hand: set UAD_BENCH_SHARED to the folder that contains cases/")

    def make(name, *variant):
        script = cases / name / "make.py"
        subprocess.run([sys.executable, script, tmp_path / "data", *map(str, variant)], check=True)
        return tmp_path / "data"

    return make


VARIANTS = ["ds004199", "ivadomed", "labelseg", "isles", "type", "dseg", "tumor", "wmh", "fmriprep"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_public_name_of_a_lesion_mask_is_read(made, variant):
    cases = list(FolderAdapter(bids=True, healthy=True).discover(made("bids_lesion_names", variant)))
    assert all(isinstance(case, Case) for case in cases)
    assert [case.healthy for case in cases] == 6 * [True] + 4 * [False]
    assert all((case.lesion_mask is None) == case.healthy for case in cases)
    brains = [case.brain_mask for case in cases if case.brain_mask is not None]
    assert len(brains) == 10


@pytest.mark.parametrize(("variant", "brains"), [("both", 3), ("func", 0)])
def test_masks_of_func_are_not_of_the_anatomy(made, variant, brains):
    root = made("fmriprep_func_masks", variant)
    cases = list(FolderAdapter(bids=True, healthy=("sub-*",)).discover(root))
    assert len(cases) == 3
    masks = [case.brain_mask for case in cases if case.brain_mask]
    assert (len(masks), {path.parent.name for path in masks} <= {"anat"}) == (brains, True)


def test_ages_and_sexes_without_a_single_value_are_unknown_with_a_warning(made, caplog):
    cases = list(FolderAdapter(bids=True, healthy=("sub-*",)).discover(made("bids_people")))
    facts = [(case.age, case.sex) for case in cases]
    assert facts == [(34, "f"), (None, None), (None, "m"), (None, None), (27.5, "m"), (None, None)]
    assert "age unknown for 4 subjects" in caplog.text
    assert "sex unknown for 3 subjects" in caplog.text


@pytest.mark.parametrize(
    ("text", "age"), [("30", 2.5), ("-5", None), ("9999", None), ("inf", None), ("n/a", None), ("30M", None)]
)
def test_ages_in_months_become_years(tree, caplog, text, age):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz")
    (root / "participants.tsv").write_text(f"participant_id\tage\nsub-01\t{text}\n")
    (root / "participants.json").write_text(json.dumps({"age": {"Units": "months"}}))
    (case,) = FolderAdapter(bids=True, healthy=("sub-*",)).discover(root)
    assert case.age == age
    assert ("age unknown for 1 subjects" in caplog.text) == (age is None)


@pytest.mark.parametrize("fetched", [1, 5])
def test_subjects_of_an_annex_that_are_not_fetched_are_no_cases(made, fetched):
    cases = list(FolderAdapter(bids=True, healthy=("sub-*",)).discover(made("annex", fetched)))
    assert len(cases) == fetched


def test_names_in_capitals_are_read(made):
    cases = list(FolderAdapter(bids=True, healthy=("sub-*",)).discover(made("uppercase", "bids")))
    assert len(cases) == 3


def test_a_t2w_file_with_the_acquisition_flair_is_read_as_flair_with_a_warning(tree, caplog):
    root = tree("sub-01/anat/sub-01_acq-FLAIR_run-1_T2w.nii.gz", "sub-01/anat/sub-01_acq-iso_T2w.nii.gz")
    (case,) = FolderAdapter(bids=True, healthy=("sub-*",)).discover(root)
    assert {name: path.name for name, path in case.images.items()} == {
        "t2": "sub-01_acq-iso_T2w.nii.gz",
        "flair": "sub-01_acq-FLAIR_run-1_T2w.nii.gz",
    }
    assert "T2w files with acq-FLAIR are read as flair (1): sub-01_acq-FLAIR_run-1_T2w.nii.gz" in caplog.text
