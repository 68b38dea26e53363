import pytest

from uad_bench.errors import DataError
from uad_datasets.wmh import WmhAdapter

WHATS = ("wmh", "pre/T1", "pre/FLAIR", "pre/3DT1", "orig/T1", "orig/FLAIR", "orig/3DT1")


def subject(folder, *whats):
    return [f"{folder}/{what}.nii.gz" for what in whats or WHATS]


def test_the_official_layout_with_its_folder_names(tree):
    tree(
        *subject("training/Utrecht/0"),
        *subject("training/Singapore/64"),
        *subject("training/Amsterdam/GE3T/100"),
    )
    root = tree(*subject("test/Amsterdam/Philips_VU .PETMR_01./160"), *subject("test/Amsterdam/GE1T5/150"))
    cases = list(WmhAdapter().discover(root))
    assert {case.case_id: case.site for case in cases} == {
        **{"GE1T5_150": "Amsterdam", "GE3T_100": "Amsterdam", "Philips_VU_PETMR_01_160": "Amsterdam"},
        **{"Singapore_64": "Singapore", "Utrecht_0": "Utrecht"},
    }
    assert all(list(case.images) == ["t1", "flair"] and case.subject_id == case.case_id for case in cases)
    assert " .PETMR_01." in str(cases[2].lesion_mask)


def test_the_older_layout_gives_the_same_ids(tree):
    root = tree(*subject("GE3T/100"), *subject("Utrecht/0"))
    assert [case.case_id for case in WmhAdapter().discover(root)] == ["GE3T_100", "Utrecht_0"]
    (case,) = WmhAdapter().discover(root / "GE3T")
    assert case.case_id == "GE3T_100"


def test_other_pathology_is_ignored_and_not_lesion(tree):
    (case,) = WmhAdapter().discover(tree(*subject("Utrecht/0")))
    assert (case.lesion_labels, case.ignored_labels) == ((1,), (2,))
    assert (case.lesion_kind, case.healthy, case.stripped) == ("wmh", False, False)


@pytest.mark.parametrize("version", ["pre", "orig"])
def test_the_version_is_an_option_and_3dt1_is_never_read(tree, version):
    (case,) = WmhAdapter(version=version).discover(tree(*subject("Utrecht/0")))
    assert [path.parent.name for path in case.images.values()] == [version] * 2
    assert [path.name for path in case.images.values()] == ["T1.nii.gz", "FLAIR.nii.gz"]


def test_test_subjects_with_masks_are_read_and_missing_masks_are_errors(tree, sort_out, caplog):
    tree(*subject("test/Utrecht/1", "pre/T1", "pre/FLAIR"), *subject("test/Utrecht/3"))
    root = tree(*subject("training/Utrecht/0"), *subject("training/Utrecht/2", "pre/FLAIR"))
    cases, (fault,) = sort_out(WmhAdapter(), root)
    assert [case.case_id for case in cases] == ["Utrecht_0", "Utrecht_3"]
    assert (fault.where, fault.code) == ("Utrecht_2", "UB333")
    assert "Utrecht_1" in caplog.text


def test_a_version_that_was_not_unpacked_is_no_empty_case(tree, sort_out):
    root = tree(*subject("Utrecht/0", "wmh", "orig/FLAIR"), *subject("Utrecht/2"))
    cases, (fault,) = sort_out(WmhAdapter(), root)
    assert [case.case_id for case in cases] == ["Utrecht_2"]
    assert (fault.where, fault.code) == ("Utrecht_0", "UB332")


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_found_names_the_expected_layout(tmp_path, folder):
    with pytest.raises(DataError, match=r"expected training/Utrecht/0/") as caught:
        list(WmhAdapter().discover(tmp_path / folder))
    assert "\n" not in str(caught.value)
