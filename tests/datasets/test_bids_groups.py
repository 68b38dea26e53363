"""Columns of groups in participants.tsv: who is healthy, who is not, and where two columns disagree."""

import pytest

from uad_datasets.folder import FolderAdapter


def test_true_declares_no_case_healthy_and_group_words_do(tree, sort_out):
    root = tree(*(f"sub-{n}/anat/sub-{n}_T1w.nii.gz" for n in ("01", "02", "03", "04")))
    _, faults = sort_out(FolderAdapter(bids=True, healthy=True), root)
    assert len(faults) == 4
    (root / "participants.tsv").write_text(
        "participant_id\tgroup\nsub-01\tHC\nsub-02\tHealthy Control\nsub-03\tFCD\nsub-04\tn/a\n"
    )
    cases, faults = sort_out(FolderAdapter(bids=True, healthy=("sub-*",)), root)
    assert [case.case_id for case in cases] == ["sub-01", "sub-02", "sub-04"]
    assert [fault.where for fault in faults] == ["sub-03"]


def trial(tree, rows):
    """A tree of subjects 01, 02 ... with T1w images and these rows of participants.tsv, the header first."""
    root = tree(*(f"sub-{n:02d}/anat/sub-{n:02d}_T1w.nii.gz" for n in range(1, len(rows))))
    lines = [f"participant_id\t{rows[0]}", *(f"sub-{n:02d}\t{row}" for n, row in enumerate(rows[1:], 1))]
    (root / "participants.tsv").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize(
    "head_and_row",
    ["diagnosis\tgroup MS\tcontrol", "group\tdx control\tMS", "group\tcohort patient\tHealthy"],
)
def test_two_columns_that_disagree_on_a_subject_leave_it_undeclared(tree, sort_out, head_and_row):
    head, row = head_and_row.split(" ")
    root = trial(tree, [head, row, "control\tcontrol"])
    for healthy in (None, ("sub-*",)):
        cases, (fault,) = sort_out(FolderAdapter(bids=True, healthy=healthy), root)
        assert ([case.case_id for case in cases], fault.where, fault.code) == (["sub-02"], "sub-01", "UB333")
        assert all(text in str(fault) for text in (*head.split("\t"), *row.split("\t")))
    cases = list(FolderAdapter(bids=True, healthy=("sub-01",)).discover(root))
    assert [case.healthy for case in cases] == [True, True]


@pytest.mark.parametrize(
    "head_and_row",
    [
        *(
            f"group\tdiagnosis|control\t{text}"
            for text in ("Cognitively normal", "No Diagnosis Given", "no MS", "2")
        ),
        *(
            f"group\tdx|control\t{text}"
            for text in ("age-matched control", "unaffected", "not applicable", "False")
        ),
        "group\tstatus|control\tmotion",
        "group\tcohort|control\telderly",
        "group\tdiagnosis|intervention\thealthy",
    ],
)
def test_columns_that_agree_or_are_of_something_else_contradict_nothing(tree, sort_out, head_and_row):
    head, row = head_and_row.split("|")
    cases, faults = sort_out(FolderAdapter(bids=True), trial(tree, [head, row, "control\tnormal"]))
    assert ([case.healthy for case in cases], faults) == ([True, True], [])


def test_a_lesion_mask_decides_and_a_chosen_column_does(tree, sort_out):
    root = trial(tree, ["diagnosis\tgroup", "patient\tcontrol", "healthy\tpatient"])
    cases, (fault,) = sort_out(FolderAdapter(bids=True, columns={"healthy": "diagnosis"}), root)
    assert ([(c.case_id, c.healthy) for c in cases], fault.where) == ([("sub-02", True)], "sub-01")
    tree("derivatives/m/sub-01/anat/sub-01_label-lesion_mask.nii.gz")
    cases, _ = sort_out(FolderAdapter(bids=True), root)
    assert [(case.case_id, case.healthy) for case in cases] == [("sub-01", False)]


def test_the_control_arm_of_a_trial_is_not_declared_healthy(tree, sort_out):
    cases, faults = sort_out(FolderAdapter(bids=True), trial(tree, ["group", "control", "Intervention"]))
    assert (cases, [fault.code for fault in faults]) == ([], ["UB333", "UB333"])


@pytest.mark.parametrize("other", ["diagnosis\t1", "diagnosis\tno diagnosis", "status\tcomplete", "dx\tn/a"])
def test_a_column_that_names_no_disease_contradicts_nothing(tree, other):
    name, text = other.split("\t")
    (case,) = FolderAdapter(bids=True).discover(trial(tree, [f"group\t{name}", f"control\t{text}"]))
    assert case.healthy
