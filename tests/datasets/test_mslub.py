import pytest

from uad_bench.errors import DataError
from uad_datasets.mslub import MslubAdapter

WHATS = ("T1W", "T1WKS", "T2W", "FLAIR", "brainmask", "consensus_gt")


def patient(name, folder="", prefix=True, whats=WHATS):
    return [
        f"{folder}{name}/{name}_{what}.nii.gz" if prefix else f"{folder}{name}/{what}.nii.gz"
        for what in whats
    ]


@pytest.mark.parametrize("prefix", [True, False])
def test_names_with_and_without_prefix(tree, prefix):
    root = tree(*patient("patient02", prefix=prefix), *patient("patient01", prefix=prefix))
    cases = list(MslubAdapter().discover(root))
    assert [case.case_id for case in cases] == ["patient01", "patient02"]
    assert list(cases[0].images) == ["t1", "t1ce", "t2", "flair"]
    assert cases[0].images["t1ce"].name.endswith("T1WKS.nii.gz")
    assert cases[0].brain_mask.name.endswith("brainmask.nii.gz")
    assert cases[0].lesion_mask.name.endswith("consensus_gt.nii.gz")
    assert (cases[0].healthy, cases[0].lesion_kind, cases[0].stripped) == (False, "ms", None)


def test_raw_images_and_the_longitudinal_set_are_passed_over(tree):
    copies = ("cross_sectional/coregistered/", "cross_sectional/raw/", "longitudinal/coregistered/")
    root = tree(*(name for copy in copies for name in patient("patient01", copy, prefix=False)))
    (case,) = MslubAdapter().discover(root)
    assert "coregistered" in case.lesion_mask.parts
    tree("official/patient07/raw/patient07_T2W.nii.gz", "official/patient1/patient1_study1_T2Wreg.nii.gz")
    assert len(list(MslubAdapter().discover(root))) == 1


def test_the_copy_on_the_mni_grid_is_skull_stripped(tree):
    names = (
        "T2W_N4_noneck_reduced_winsor_regtoMNI",
        "FLAIR_N4_noneck_regtoMNI",
        "GOLD_STANDARD_N4_noneck_regtoMNI",
    )
    (case,) = MslubAdapter().discover(tree(*patient("patient01", prefix=False, whats=names)))
    assert list(case.images) == ["t2", "flair"]
    assert case.lesion_mask.name.startswith("GOLD_STANDARD")
    assert (case.brain_mask, case.stripped) == (None, True)


def test_two_copies_under_one_root_are_no_guess(tree, sort_out):
    root = tree(*patient("patient01", "coregistered/"), *patient("patient01", "MNI/"))
    cases, (fault,) = sort_out(MslubAdapter(), root)
    assert cases == []
    assert "one copy as the root" in str(fault)


def test_a_patient_without_the_consensus_mask_is_named(tree, sort_out):
    root = tree(*patient("patient01"), *patient("patient09", whats=("T2W",)))
    cases, (fault,) = sort_out(MslubAdapter(), root)
    assert [case.case_id for case in cases] == ["patient01"]
    assert (fault.where, fault.code) == ("patient09", "UB333")


@pytest.mark.parametrize("place", ["patient_info.csv", "../patient_info.csv"])
def test_ages_and_sexes_come_from_the_table_in_the_root(tree, place):
    root = tree(*patient("patient01"), *patient("patient3"), *patient("patient30"))
    (root / place).write_text(
        "patient_id,age,sex,ms_type,edss,criteria\n1,31,F,RR,1.5,M\n3,N/A,M,N/A,N/A,N/A\n"
    )
    cases = list(MslubAdapter().discover(root))
    assert [(case.age, case.sex) for case in cases] == [(31, "f"), (None, "m"), (None, None)]


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_found_names_the_expected_layout(tmp_path, folder):
    with pytest.raises(DataError, match=r"expected patient01/patient01_") as caught:
        list(MslubAdapter().discover(tmp_path / folder))
    assert "\n" not in str(caught.value)


def test_the_real_samples(shared_data):
    first, second = MslubAdapter().discover(shared_data / "MSLUB")
    assert (first.case_id, list(first.images)) == ("patient07", ["t2", "flair"])
    assert (second.case_id, list(second.images)) == ("patient19", ["t1", "t2", "flair"])
    assert all(path.is_file() for path in (*first.images.values(), first.lesion_mask, first.brain_mask))
    with pytest.raises(DataError, match="no case found"):
        list(MslubAdapter().discover(shared_data / "MSLUB_longitudinal"))


def test_a_file_of_another_patient_is_not_read(tree):
    names = patient("patient01", whats=("FLAIR", "consensus_gt"))
    root = tree(*names, "patient01/patient02_T2W.nii.gz", "patient01/patient1_T1W.nii.gz")
    (case,) = MslubAdapter().discover(root)
    assert list(case.images) == ["t1", "flair"]
