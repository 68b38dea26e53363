"""The inputs of the shared folder `cases`, and similar trees made here, through `data check`, `prepare` and `run`.

Headers are in test_header_statements.py, backgrounds in test_background.py.
"""

import shutil

import numpy as np
import pytest

from tests.helpers.public_cases import make_case
from tests.helpers.workspace import PROTOCOL

BIDS = ("--set", "folder.bids=true")
HEALTHY = ("--set", "folder.healthy=[sub-*]")
VARIANTS = ["ds004199", "ivadomed", "labelseg", "isles", "type", "dseg", "tumor", "wmh", "fmriprep"]


@pytest.fixture
def public(workspace, tmp_path):
    """public(name, *variant) -> the workspace with this case of the shared folder as its data."""

    def make(name, *variant):
        workspace.data = make_case(name, tmp_path / "workspace" / "public", *variant)
        return workspace

    return make


def bids(workspace, mask="FLAIR_roi"):
    """The cohort of the workspace as a BIDS tree, with lesion masks of this name; the arrays prepared by its table."""
    assert workspace.prepare().code == 0
    before = {case: workspace.prepared(case) for case in workspace.entries()}
    workspace.forget()
    root = workspace.root / "bids"
    for row in workspace.rows():
        stem = root / f"sub-{row['case_id']}" / "anat" / f"sub-{row['case_id']}"
        stem.parent.mkdir(parents=True)
        for column, ending in (("t2", "T2w"), ("brain_mask", "desc-brain_mask"), ("lesion_mask", mask)):
            if row[column]:
                shutil.copyfile(workspace.data / row[column], f"{stem}_{ending}.nii.gz")
    groups = "".join(f"sub-{c}\t{'hc' if c[0] == 'h' else 'fcd'}\n" for c in sorted(before))
    (root / "participants.tsv").write_text("participant_id\tgroup\n" + groups, "utf-8-sig")
    workspace.data = root
    return before


@pytest.mark.parametrize("variant", VARIANTS)
def test_lesion_masks_of_every_public_name_are_prepared(public, variant):
    workspace = public("bids_lesion_names", variant)
    for words in ((), ("--quick",)):
        answer = workspace.check(*BIDS, *words)
        assert answer.code == 0
        assert "10 of 10 subjects: 6 healthy, 4 with lesions" in answer.out
    flair = ("--set", "protocol.modalities=[flair]")
    assert workspace.prepare(*BIDS, *flair).code == 0
    lesions = [workspace.prepared(case).get("lesion_mask") for case in sorted(workspace.entries())]
    assert [mask is None for mask in lesions] == 6 * [True] + 4 * [False]
    assert all(3.5 < mask.sum() * 0.216 < 5.5 for mask in lesions[6:])  # 4.5 ml; voxels of 6 mm


@pytest.mark.parametrize(
    "mask", ["T2w_roi", "label-lesion_dseg", "T2w_desc-lesion_mask", "desc-T1lesion_mask"]
)
def test_a_bids_tree_is_prepared_as_its_table(workspace, mask):
    before = bids(workspace, mask)
    assert workspace.check(*BIDS).code == workspace.check(*BIDS, "--quick").code == 0
    assert workspace.prepare(*BIDS).code == 0
    for case, arrays in before.items():
        found = workspace.prepared(f"sub-{case}")
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
    assert workspace.run(*BIDS).code == 0


def test_a_patient_with_a_mask_of_unknown_meaning_stops_every_verb(workspace):
    bids(workspace, "mask")
    for words in ((), ("--quick",)):
        answer = workspace.check(*BIDS, *words)
        assert (answer.code, "it is not declared what this mask shows: sub-a00_mask" in answer.out) == (
            3,
            True,
        )
    assert workspace.prepare(*BIDS).code != 0
    assert workspace.run(*BIDS).code == 3


@pytest.mark.parametrize(("variant", "brains"), [("both", 3), ("func", 0)])
def test_masks_of_func_are_not_prepared_as_brain_masks(public, variant, brains):
    workspace = public("fmriprep_func_masks", variant)
    for answer in (workspace.check(*BIDS, *HEALTHY), workspace.check(*BIDS, *HEALTHY, "--quick")):
        assert (answer.code, "func/sub-01_task-rest_run-1_desc-brain_mask.nii.gz" in answer.out) == (0, True)
    assert workspace.prepare(*BIDS, *HEALTHY).code == 0
    for case in workspace.entries():
        assert 1.1 < workspace.prepared(case)["brain_mask"].sum() * 0.216 / 1000 < 1.5  # litres


def test_ages_and_sexes_of_other_forms_are_unknown_and_the_cases_are_prepared(public):
    workspace = public("bids_people")
    for answer in (workspace.check(*BIDS, *HEALTHY), workspace.check(*BIDS, *HEALTHY, "--quick")):
        assert answer.code == 0
        assert "age unknown for 4 subjects" in answer.out and "sex unknown for 3 subjects" in answer.out
        assert "sexes       f 1, m 2, unknown 3" in answer.out
    assert workspace.prepare(*BIDS, *HEALTHY).code == 0
    assert len(workspace.entries()) == 6


@pytest.mark.parametrize(("variant", "words"), [("bids", (*BIDS, *HEALTHY)), ("table", ())])
def test_suffixes_in_capitals_are_read(public, variant, words):
    workspace = public("uppercase", variant)
    for answer in (workspace.check(*words), workspace.check(*words, "--quick")):
        assert (answer.code, "no error, no warning" in answer.out) == (0, True)
    assert workspace.prepare(*words).code == 0
    assert len(workspace.entries()) == 3


def test_suffixes_in_capitals_are_read_by_ixi(public):
    workspace = public("uppercase", "ixi")
    data = ("ixi", "--data", f"ixi={workspace.data}", "--workers", "1")
    for words in ((), ("--quick",)):
        answer = workspace.call("data", "check", *data, *words)
        assert (answer.code, "3 of 3 subjects: 3 healthy" in answer.out) == (0, True)
    stripped = ("--set", "ixi.stripped=true", "--protocol", PROTOCOL)
    assert workspace.call("prepare", *data, *stripped).code == 0
    assert len(workspace.entries()) == 3


def test_suffixes_in_capitals_make_no_difference(workspace):
    workspace.prepare()
    before = {case: workspace.prepared(case)["image"] for case in workspace.entries()}
    workspace.forget()
    for case in before:
        path = workspace.file(case)
        path.rename(path.with_name(path.name.upper()))
        workspace.change(case, t2=path.name.upper())
    assert workspace.run().code == 0
    for case, image in before.items():
        np.testing.assert_array_equal(workspace.prepared(case)["image"], image)


@pytest.mark.parametrize("fetched", [0, 2, 5])
def test_annexed_content_that_is_not_fetched_is_named(public, fetched):
    workspace = public("annex", str(fetched))
    words = (*BIDS, *HEALTHY)
    answers = [workspace.check(*words), workspace.check(*words, "--quick"), workspace.prepare(*words)]
    for answer in answers:
        assert answer.code == (0 if fetched else 3)
        assert ("annexed content that is not fetched" in answer.out + answer.err) == (fetched < 5)
    if fetched:
        assert workspace.entries() == {f"sub-{n:02d}" for n in range(1, fetched + 1)}


@pytest.mark.parametrize("kept", [0, 2])
def test_a_clone_without_content_is_named(workspace, kept):
    bids(workspace)
    for subject in sorted(workspace.data.glob("sub-*"))[kept:]:
        for path in [*subject.rglob("*.nii.gz")]:
            path.unlink()
            path.symlink_to("../../.git/annex/objects/aa/bb/key")
    for words in ((), ("--quick",)):
        answer = workspace.check(*BIDS, *words)
        assert answer.code == (0 if kept else 3)
        assert "datalad get" in answer.out + answer.err
