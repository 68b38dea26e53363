from pathlib import Path

import pytest

from uad_bench.errors import DataError
from uad_datasets.ixi import IxiAdapter


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize("folder", ["IXI-T2/", "T2/", "t2/", "", "deep/er/"])
def test_the_file_name_decides_in_any_folder(tmp_path, folder):
    root = touch(tmp_path, f"{folder}IXI002-Guys-0828-T2.nii.gz")
    (case,) = IxiAdapter().discover(root)
    assert (case.case_id, case.subject_id, case.site) == ("IXI002-Guys-0828", "IXI002", "Guys")
    assert dict(case.images) == {"t2": root / f"{folder}IXI002-Guys-0828-T2.nii.gz"}
    assert (case.healthy, case.lesion_mask, case.brain_mask) == (True, None, None)


def test_modalities_are_paired_and_only_what_exists_is_named(tmp_path):
    root = touch(
        tmp_path,
        *(
            "IXI-T1/IXI012-HH-1211-T1.nii.gz",
            "IXI-T2/IXI012-HH-1211-T2.nii.gz",
            "IXI-PD/IXI012-HH-1211-PD.nii.gz",
        ),
        *(
            "IXI-T1/IXI600-IOP-1202-T1.nii",
            "IXI-DTI/IXI700-HH-1234-DTI-00.nii.gz",
            "IXI-MRA/IXI012-HH-1211-MRA.nii.gz",
        ),
        *("IXI.xls", "IXI-T1/notes.nii.gz"),
    )
    cases = list(IxiAdapter().discover(root))
    assert [case.case_id for case in cases] == ["IXI012-HH-1211", "IXI600-IOP-1202"]
    assert [list(case.images) for case in cases] == [["t1", "t2", "pd"], ["t1"]]


def test_sessions_of_one_subject_share_its_id(tmp_path):
    root = touch(tmp_path, "T2/IXI219-Guys-0894-T2.nii.gz", "T2/IXI219-Guys-0999-T2.nii.gz")
    assert [case.subject_id for case in IxiAdapter().discover(root)] == ["IXI219", "IXI219"]


def test_a_mask_without_its_image_makes_no_case(tmp_path):
    root = touch(tmp_path, "T2/IXI219-Guys-0894-T2_mask.nii.gz")
    with pytest.raises(DataError, match="no case found"):
        list(IxiAdapter().discover(root))


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_found_says_what_was_expected(tmp_path, folder):
    with pytest.raises(DataError, match=r"IXI-T2/IXI002-Guys-0828-T2\.nii\.gz") as caught:
        list(IxiAdapter().discover(tmp_path / folder))
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)


def test_two_copies_under_one_root_are_no_guess(tmp_path):
    root = touch(tmp_path, "IXI/T2/IXI002-Guys-0828-T2.nii.gz", "stripped/T2/IXI002-Guys-0828-T2.nii.gz")
    with pytest.raises(DataError, match=r"two files for t2: .*IXI/T2.*stripped/T2.*\(IXI002-Guys-0828\)"):
        list(IxiAdapter().discover(root))


def test_the_real_samples(shared_data):
    (case,) = IxiAdapter().discover(shared_data / "IXI_brain")
    assert list(case.images) == ["t1", "t2"]
    assert case.brain_mask == shared_data / "IXI_brain/IXI-T2/IXI002-Guys-0828-T2_mask.nii.gz"
    (whole,) = IxiAdapter().discover(shared_data / "IXI")
    assert whole.brain_mask is None
