from pathlib import Path

import pytest

from uad_bench.errors import DataError
from uad_datasets.mslub import MslubAdapter

WHATS = ("T1W", "T1WKS", "T2W", "FLAIR", "brainmask", "consensus_gt")


def patient(root: Path, name: str, prefix: bool = True, whats: tuple[str, ...] = WHATS) -> Path:
    (root / name).mkdir(parents=True)
    for what in whats:
        (root / name / f"{name}_{what}.nii.gz" if prefix else root / name / f"{what}.nii.gz").touch()
    return root


@pytest.mark.parametrize("prefix", [True, False])
def test_names_with_and_without_prefix(tmp_path, prefix):
    patient(patient(tmp_path, "patient02", prefix), "patient01", prefix)
    cases = list(MslubAdapter().discover(tmp_path))
    assert [case.case_id for case in cases] == ["patient01", "patient02"]
    assert list(cases[0].images) == ["t1", "t1ce", "t2", "flair"]
    assert cases[0].images["t1ce"].name.endswith("T1WKS.nii.gz")
    assert cases[0].brain_mask.name.endswith("brainmask.nii.gz")
    assert cases[0].lesion_mask.name.endswith("consensus_gt.nii.gz")
    assert (cases[0].healthy, cases[0].lesion_kind) == (False, "ms")


def test_raw_images_and_the_longitudinal_set_are_passed_over(tmp_path):
    patient(tmp_path / "cross_sectional/coregistered", "patient01", prefix=False)
    patient(tmp_path / "cross_sectional/raw", "patient01", prefix=False)
    patient(tmp_path / "longitudinal/coregistered", "patient01", prefix=False)
    (case,) = MslubAdapter().discover(tmp_path)
    assert "coregistered" in case.lesion_mask.parts
    patient(tmp_path / "official/patient07", "raw", whats=())
    (tmp_path / "official/patient07/raw/patient07_T2W.nii.gz").touch()
    assert len(list(MslubAdapter().discover(tmp_path))) == 1


def test_the_copy_on_the_mni_grid(tmp_path):
    names = (
        "T2W_N4_noneck_reduced_winsor_regtoMNI",
        "FLAIR_N4_noneck_regtoMNI",
        "GOLD_STANDARD_N4_noneck_regtoMNI",
    )
    patient(tmp_path, "patient01", prefix=False, whats=names)
    (case,) = MslubAdapter().discover(tmp_path)
    assert list(case.images) == ["t2", "flair"]
    assert case.lesion_mask.name.startswith("GOLD_STANDARD")
    assert case.brain_mask is None


def test_two_copies_under_one_root_are_no_guess(tmp_path):
    patient(tmp_path / "coregistered", "patient01", prefix=False)
    patient(tmp_path / "MNI", "patient01", prefix=False)
    with pytest.raises(DataError, match=r"two files for .*one copy as the root"):
        list(MslubAdapter().discover(tmp_path))


def test_a_patient_without_the_consensus_mask_is_named(tmp_path):
    patient(tmp_path, "patient01")
    patient(tmp_path, "patient09", whats=("T2W",))
    with pytest.raises(DataError, match=r"no lesion mask .*\(patient09\)") as caught:
        list(MslubAdapter().discover(tmp_path))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_found_says_what_was_expected(tmp_path, folder):
    with pytest.raises(DataError, match=r"expected patient01/patient01_") as caught:
        list(MslubAdapter().discover(tmp_path / folder))
    assert "\n" not in str(caught.value)


def test_the_real_samples(shared_data):
    first, second = MslubAdapter().discover(shared_data / "MSLUB")
    assert (first.case_id, list(first.images)) == ("patient07", ["t2", "flair"])
    assert (second.case_id, list(second.images)) == ("patient19", ["t1", "t2", "flair"])
    assert all(path.is_file() for path in (*first.images.values(), first.lesion_mask, first.brain_mask))
