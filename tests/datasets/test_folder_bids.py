"""The dataset `folder` with a BIDS tree."""

import pytest

from uad_bench.errors import DataError
from uad_datasets.folder import FolderAdapter

HEALTHY = FolderAdapter(bids=True, healthy=("sub-*",))


def test_a_session_is_a_case_and_suffixes_are_modalities(tree):
    tree("sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz", "sub-01/ses-b/anat/sub-01_ses-b_T2w.nii.gz")
    tree(
        "sub-02/anat/sub-02_ce-gadolinium_T1w.nii.gz",
        "sub-02/anat/sub-02_FLAIR.nii",
        "sub-02/anat/sub-02_PDw.nii.gz",
    )
    tree(
        "sub-02/func/sub-02_task-rest_bold.nii.gz",
        "sub-02/dwi/sub-02_dwi.nii.gz",
        "sub-02/anat/sub-02_T2star.nii.gz",
    )
    root = tree("sub-02/anat/sub-02_part-phase_T2w.nii.gz", "sourcedata/sub-03/anat/sub-03_T1w.nii.gz")
    cases = list(HEALTHY.discover(root))
    assert [(case.case_id, case.subject_id) for case in cases] == [
        ("sub-01_ses-a", "sub-01"), ("sub-01_ses-b", "sub-01"), ("sub-02", "sub-02"),
    ]  # fmt: skip
    assert [list(case.images) for case in cases] == [["t1"], ["t2"], ["t1ce", "flair", "pd"]]


@pytest.mark.parametrize(
    "mask",
    [
        "sub-01/anat/sub-01_label-lesion_mask.nii.gz",
        "sub-01/anat/sub-01_lesion_mask.nii.gz",
        "sub-01/anat/sub-01_FLAIR_lesionmask.nii.gz",
        "sub-01/anat/sub-01_label-lesion_roi.nii.gz",
        "derivatives/lesions/sub-01/anat/sub-01_space-orig_desc-lesion_mask.nii.gz",
        "derivatives/lesion_masks/sub-01/anat/sub-01_acq-x_T2w_desc-lesion_mask.nii.gz",
        "derivatives/manual/sub-01/anat/sub-01_label-L_desc-T1lesion_mask.nii.gz",
        "sub-01/anat/sub-01_space-orig_MSlesions.nii.gz",
        "sub-01/anat/lesion_mask.nii.gz",
        "derivatives/labels/sub-01/masks/T1_lesions.nii.gz",
    ],
)
def test_lesion_masks_are_next_to_the_image_or_in_derivatives(tree, mask):
    brain = "derivatives/bet/sub-01/anat/sub-01_desc-brain_mask.nii.gz"
    root = tree("sub-01/anat/sub-01_FLAIR.nii.gz", mask, brain)
    (case,) = FolderAdapter(bids=True, lesion_kind="ms").discover(root)
    assert (case.healthy, case.lesion_mask, case.lesion_kind) == (False, root / mask, "ms")
    assert case.brain_mask == root / brain


def test_derived_images_and_files_in_a_templates_space_do_not_stand_for_the_scan(tree):
    tree("sub-01/anat/sub-01_T1w.nii.gz", "derivatives/p/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz")
    tree("derivatives/p/sub-01/anat/sub-01_space-MNI152NLin6Asym_T1w.nii.gz")
    root = tree("derivatives/p/sub-01/anat/sub-01_space-MNI152NLin6Asym_desc-brain_mask.nii.gz")
    (case,) = HEALTHY.discover(root)
    assert (case.images, case.brain_mask) == ({"t1": root / "sub-01/anat/sub-01_T1w.nii.gz"}, None)


def test_the_space_of_a_template_can_be_selected(tree):
    name = "sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym"
    root = tree(f"{name}_T1w.nii.gz", f"{name}_label-L_desc-T1lesion_mask.nii.gz")
    with pytest.raises(DataError, match=r"no case found.*space: TEMPLATE"):
        list(FolderAdapter(bids=True).discover(root))
    (case,) = FolderAdapter(bids=True, entities={"space": "MNI152NLin2009aSym"}).discover(root)
    assert (case.case_id, case.healthy) == ("sub-r001s001_ses-1", False)


def test_two_acquisitions_are_an_error_until_one_is_selected(tree, sort_out):
    tree("sub-01/anat/sub-01_acq-fast_T2w.nii.gz", "sub-01/anat/sub-01_acq-iso_T2w.nii.gz")
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", "sub-02/anat/sub-02_T2w.nii.gz")
    cases, (fault,) = sort_out(HEALTHY, root)
    assert [case.case_id for case in cases] == ["sub-02"]
    assert "choose one with entities" in str(fault)
    first, _ = FolderAdapter(bids=True, healthy=("sub-*",), entities={"acq": "iso"}).discover(root)
    assert first.images["t2"].name == "sub-01_acq-iso_T2w.nii.gz"
    assert list(first.images) == ["t1", "t2"]


def test_of_a_file_with_an_entity_and_one_without_that_with_it_is_read(tree, caplog):
    root = tree(
        "sub-01/anat/sub-01_T2w.nii.gz", "sub-01/anat/sub-01_acq-iso_T2w.nii.gz", "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-02/anat/sub-02_T2w.nii.gz", "sub-02/anat/sub-02_acq-fast_T2w.nii.gz",
    )  # fmt: skip
    one, other = FolderAdapter(bids=True, healthy=("sub-*",), entities={"acq": "iso"}).discover(root)
    assert {what: path.name for what, path in one.images.items()} == {
        "t1": "sub-01_T1w.nii.gz",
        "t2": "sub-01_acq-iso_T2w.nii.gz",
    }
    assert other.images["t2"].name == "sub-02_T2w.nii.gz"
    assert (
        "files without an entity beside the same with it are not read (1): sub-01_T2w.nii.gz" in caplog.text
    )


def test_a_subject_may_be_called_lesion_or_brain(tree):
    root = tree(
        "sub-brainlesion/anat/sub-brainlesion_T1w.nii.gz",
        "sub-brainlesion/anat/sub-brainlesion_defacemask.nii.gz",
    )
    (case,) = HEALTHY.discover(root)
    assert (case.lesion_mask, case.brain_mask, case.healthy) == (None, None, True)


def test_people_come_from_participants_tsv(tree, caplog):
    root = tree(*(f"sub-{name}/anat/sub-{name}_T1w.nii.gz" for name in ("01", "02", "03", "04")))
    (root / "participants.tsv").write_text(
        "participant_id\tage\tsex\tcontrol\tsite\nsub-01\t34\tF\t1\tA\n02\t89+\tM\t1\tB\n03\t40\tM\t1\tB\n03\t41\tM\t1\tB\n"
    )
    adapter = FolderAdapter(bids=True, columns={"healthy": "control"}, healthy=("sub-*",))
    cases = list(adapter.discover(root))
    assert [(case.age, case.sex, case.site) for case in cases] == [
        (34, "f", "A"), (None, "m", "B"), (None, None, ""), (None, None, ""),
    ]  # fmt: skip
    assert "sub-03" in caplog.text
    assert "no usable row for 2 subjects: sub-03, sub-04" in caplog.text


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"age": 3}'])
def test_a_sidecar_that_cannot_be_read_is_said_and_ages_are_years(tree, caplog, content):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz")
    (root / "participants.tsv").write_text("participant_id\tage\nsub-01\t30\n")
    (root / "participants.json").write_bytes(content)
    (case,) = HEALTHY.discover(root)
    assert case.age == 30
    assert "participants.json cannot be read, ages are taken as years" in caplog.text


def test_a_missing_column_of_participants_tsv_is_an_error(tree):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz")
    (root / "participants.tsv").write_text("participant_id\tgroup\nsub-01\tpatient\n")
    with pytest.raises(DataError, match=r"no column 'control'.*the columns are participant_id, group"):
        list(FolderAdapter(bids=True, columns={"healthy": "control"}).discover(root))


def test_a_patient_without_a_mask_and_a_healthy_subject_are_not_the_same(tree, sort_out):
    root = tree(
        "sub-01/anat/sub-01_T1w.nii.gz", "sub-02/anat/sub-02_T1w.nii.gz", "sub-03/anat/sub-03_T1w.nii.gz"
    )
    (root / "participants.tsv").write_text("participant_id\thealthy\nsub-01\tyes\nsub-02\tno\n")
    cases, faults = sort_out(FolderAdapter(bids=True), root)
    assert [case.case_id for case in cases] == ["sub-01"]
    assert [fault.where for fault in faults] == ["sub-02", "sub-03"]


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_found_names_the_expected_layout(tmp_path, folder):
    with pytest.raises(DataError, match=r"expected sub-01/anat/sub-01_T1w") as caught:
        list(HEALTHY.discover(tmp_path / folder))
    assert caught.value.code == "UB334"


def test_the_real_samples(shared_data):
    cases = list(
        FolderAdapter(bids=True, healthy=("sub-*",), stripped=False).discover(shared_data / "healthy")
    )
    assert [(case.case_id, list(case.images)) for case in cases] == [
        ("sub-brainchop", ["t1"]), ("sub-fernando", ["flair"]),
    ]  # fmt: skip
