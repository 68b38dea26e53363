"""BraTS after 2021 from a folder as downloaded to a table, and the audit of datasets that share people."""

import pytest

from tests.helpers.dataset_runs import dataset_run
from tests.helpers.workspace import PROTOCOL

OLD = {"t2": "scan", "seg": (1, 2, 4)}


def case(case_id, folder, *labels):
    return {
        f"{folder}/{case_id}/{case_id}-t2w.nii.gz": "scan",
        f"{folder}/{case_id}/{case_id}-seg.nii.gz": labels,
    }


@pytest.mark.parametrize(
    ("dataset", "folder", "case_id"),
    [
        ("brats_gli", "training_data1_v2", "BraTS-GLI-0000{}-100"),
        ("brats_mets", "MICCAI-LH-BraTS2025-MET-Challenge-Training", "BraTS-MET-0000{}-000"),
        ("brats_peds", "BraTS-PEDs2024_Training", "BraTS-PED-0000{}-000"),
    ],
)
def test_the_way_from_a_folder_to_a_table(tmp_path, dataset, folder, case_id):
    """The prepared lesion has every label but the resection cavity, a quarter of the mask."""
    with dataset_run(tmp_path / "work", dataset, "t2") as one:
        for number in (5, 6):
            one.plant(case(case_id.format(number), folder, 1, 2, 3, 4), seed=number)
        one.through()
        arrays = one.prepared(case_id.format(5))
        whole, cavity = arrays["lesion_mask"].sum(), arrays.get("ignored")
        if dataset == "brats_peds":
            assert cavity is None
        else:
            assert cavity.sum() / (whole + cavity.sum()) == pytest.approx(0.25, abs=0.02)
        assert one.metrics()["ap.pooled"] > one.metrics()["prevalence.pooled"]


def test_gli_beside_brats21_is_stopped_by_the_audit(tmp_path):
    with dataset_run(tmp_path / "work", "brats_gli", "t2") as one:
        for number in (5, 6):
            one.plant(case(f"BraTS-GLI-0000{number}-100", "gli", 1, 2, 3, 4), seed=number)
        old = {f"2021/BraTS2021_00005/BraTS2021_00005_{what}.nii.gz": to for what, to in OLD.items()}
        one.plant(old, seed=9)
        data = [f"{name}={one.data / folder}" for name, folder in (("brats_gli", "gli"), ("brats21", "2021"))]
        words = ["--data", data[0], "--data", data[1], "--data", f"folder={one.others}", "--test"]
        words += ["brats21,brats_gli", "--protocol", PROTOCOL, "--set", "protocol.train=folder"]
        answer = one.call("audit", *words)
        assert answer.code == 3 and answer.error.startswith("error[UB340]: the audit found 1 leak")
        assert (
            "1 person is in both datasets, brats21 and brats_gli, in test, so that results on both"
            in answer.out
        )
        stopped = one.call("run", "thresh", *words, "--out", one.runs, "--threads", "1", "--quiet")
        assert "error[UB340]: leak L6: 1 person is in both datasets" in stopped.error
        assert "(brats21/BraTS-00005, brats_gli/BraTS-00005)" in stopped.error
        assert not one.runs.exists()
