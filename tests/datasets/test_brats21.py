from pathlib import Path

import pytest

from uad_bench.errors import DataError
from uad_datasets.brats21 import Brats21Adapter


def case_2021(root: Path, number: str, *endings: str) -> None:
    folder = root / f"BraTS2021_{number}"
    folder.mkdir(parents=True)
    for ending in endings or ("t1", "t1ce", "t2", "flair", "seg"):
        (folder / f"BraTS2021_{number}_{ending}.nii.gz").touch()


def case_2023(root: Path, number: str) -> None:
    folder = root / f"BraTS-GLI-{number}-000"
    folder.mkdir(parents=True)
    for ending in ("t1n", "t1c", "t2w", "t2f", "seg"):
        (folder / f"BraTS-GLI-{number}-000-{ending}.nii.gz").touch()


@pytest.mark.parametrize(
    "depth", ["", "BraTS2021_Training_Data", "a/RSNA_ASNR_MICCAI_BraTS2021_TrainingData_16July2021"]
)
def test_case_folders_at_any_depth(tmp_path, depth):
    case_2021(tmp_path / depth, "00002")
    case_2021(tmp_path / depth, "00000")
    cases = list(Brats21Adapter().discover(tmp_path))
    assert [case.case_id for case in cases] == ["BraTS2021_00000", "BraTS2021_00002"]
    assert list(cases[0].images) == ["t1", "t1ce", "t2", "flair"]
    assert cases[0].images["t1ce"].name == "BraTS2021_00000_t1ce.nii.gz"
    assert (cases[0].healthy, cases[0].lesion_kind, cases[0].lesion_labels) == (False, "tumour", ())
    assert cases[0].lesion_mask.name == "BraTS2021_00000_seg.nii.gz"


def test_the_names_of_2023_mean_the_same(tmp_path):
    case_2023(tmp_path, "00005")
    (case,) = Brats21Adapter().discover(tmp_path)
    assert case.case_id == "BraTS-GLI-00005-000"
    endings = {what: path.name.split("-")[-1] for what, path in case.images.items()}
    assert endings == {"t1": "t1n.nii.gz", "t1ce": "t1c.nii.gz", "t2": "t2w.nii.gz", "flair": "t2f.nii.gz"}


def test_both_names_of_a_scan_are_one_subject(tmp_path):
    case_2021(tmp_path, "00005")
    case_2023(tmp_path, "00005")
    case_2023(tmp_path, "00006")
    cases = list(Brats21Adapter().discover(tmp_path))
    assert [case.subject_id for case in cases] == ["BraTS-00005", "BraTS-00006", "BraTS-00005"]


def test_only_the_modalities_that_exist(tmp_path):
    case_2021(tmp_path, "00000", "t2", "seg")
    (case,) = Brats21Adapter().discover(tmp_path)
    assert list(case.images) == ["t2"]


def test_a_case_without_its_mask_is_named(tmp_path):
    case_2021(tmp_path, "00000")
    case_2021(tmp_path, "00003", "t1", "t2")
    with pytest.raises(DataError, match=r"no tumour mask .*\(BraTS2021_00003\)") as caught:
        list(Brats21Adapter().discover(tmp_path))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_found_says_what_was_expected(tmp_path, folder):
    with pytest.raises(DataError, match=r"expected BraTS2021_00000/") as caught:
        list(Brats21Adapter().discover(tmp_path / folder))
    assert "\n" not in str(caught.value)


def test_the_real_samples(shared_data):
    cases = list(Brats21Adapter().discover(shared_data / "BraTS21"))
    assert [case.case_id for case in cases] == ["BraTS2021_00001", "BraTS2021_96692"]
    assert all(path.is_file() for case in cases for path in (*case.images.values(), case.lesion_mask))
    assert all(len(case.images) == 4 for case in cases)
