import pytest

from uad_bench.errors import DataError, UsageError
from uad_datasets.ixi import IxiAdapter
from uad_datasets.processed import ProcessedAdapter

STROKE = "sub-r001s034_ses-1_space-MNI152NLin2009aSym"


def scan(part, stem, *whats):
    return [f"{part}/{what}/{stem}_{what}.nii.gz" for what in whats]


@pytest.fixture
def root(tree):
    tree(*scan("Train/ixi", "IXI002-Guys-0828", "mask", "t2", "t1"))
    tree(*scan("Test/Brats21", "BraTS2021_00000", "mask", "t2", "seg"))
    tree(
        *scan("Test/MSLUB", "patient01", "mask", "t2", "seg"),
        *scan("Test/ATLAS_v2", STROKE, "mask", "t1", "seg"),
    )
    return tree(*scan("Test/WMH", "Singapore_64", "mask", "t1", "seg"), "splits/IXI_test.csv")


def test_every_part_is_read_with_its_kind(root):
    cases = {case.case_id: case for case in ProcessedAdapter().discover(root)}
    assert list(cases) == ["BraTS2021_00000", "IXI002-Guys-0828", "Singapore_64", "patient01", STROKE]
    assert [case.lesion_kind for case in cases.values()] == ["tumour", "", "wmh", "ms", "stroke"]
    assert [case.healthy for case in cases.values()] == [False, True, False, False, False]
    assert [case.site for case in cases.values()] == ["", "Guys", "Singapore", "", ""]
    healthy = cases["IXI002-Guys-0828"]
    assert (list(healthy.images), healthy.lesion_mask) == (["t1", "t2"], None)
    assert all(case.brain_mask.name.endswith("_mask.nii.gz") for case in cases.values())


def test_subjects_are_called_as_in_their_own_dataset(root):
    subjects = {case.subject_id for case in ProcessedAdapter().discover(root)}
    assert subjects == {"BraTS-00000", "IXI002", "Singapore_64", "patient01", "sub-r001s034"}


def test_a_person_has_one_key_in_the_part_and_in_the_datasets_own_adapter(root, tree):
    processed = ProcessedAdapter()
    keys = {processed.person_of(case) for case in processed.discover(root)}
    assert keys == {
        *("brats/BraTS-00000", "ixi/IXI002", "wmh/Singapore_64", "mslub/patient01", "atlas_v2/sub-r001s034")
    }
    own = tree("../ixi/IXI002-Guys-0828-T2.nii.gz").parent / "ixi"
    (case,) = IxiAdapter().discover(own)
    assert IxiAdapter().person_of(case) in keys


def test_masks_were_warped_linearly_and_have_a_threshold_of_one_half(root):
    assert {(case.mask_threshold, case.stripped) for case in ProcessedAdapter().discover(root)} == {
        (0.5, True)
    }
    assert {case.mask_threshold for case in ProcessedAdapter(mask_threshold=0.9).discover(root)} == {0.9}


def test_parts_can_be_chosen_in_any_case_and_must_exist(root):
    cases = ProcessedAdapter(parts=("ixi", "mslub")).discover(root)
    assert [case.case_id for case in cases] == ["IXI002-Guys-0828", "patient01"]
    with pytest.raises(UsageError, match=r"unknown part.*mslubb.*did you mean mslub"):
        ProcessedAdapter(parts=("MSLUBB",)).discover(root)


def test_healthy_test_scans_are_healthy_and_a_new_part_is_a_kind_of_its_own(tree):
    tree(*scan("Test/IXI", "IXI600-IOP-1202", "mask", "t2"))
    first, second = ProcessedAdapter().discover(tree(*scan("Test/Clinic", "c-7", "t2", "seg")))
    assert (first.healthy, first.subject_id, first.site) == (True, "IXI600", "IOP")
    assert (second.healthy, second.lesion_kind, second.subject_id) == (False, "clinic", "c-7")


def test_a_lesion_scan_without_its_mask_is_an_error(root, tree, sort_out):
    tree(*scan("Test/MSLUB", "patient02", "mask", "t2"))
    cases, (fault,) = sort_out(ProcessedAdapter(), root)
    assert len(cases) == 5
    assert (fault.where, fault.code) == ("patient02", "UB333")


def test_a_file_that_does_not_repeat_its_folders_word_is_none_of_it(tree):
    """The papers' readers rewrite t1 to t2 in whole paths; here a name and its folder must agree."""
    root = tree(*scan("Train/ixi", "IXI002-Guys-0828", "t2"), "Train/ixi/t2/IXI012-HH-1211_t1.nii.gz")
    tree("Train/ixi/t2/old/IXI013-HH-1212_t2.nii.gz", "t2/IXI014-HH-1236_t2.nii.gz")
    assert [case.case_id for case in ProcessedAdapter().discover(root)] == ["IXI002-Guys-0828"]


def test_the_root_may_be_a_part_of_the_tree(root):
    assert [case.case_id for case in ProcessedAdapter().discover(root / "Train")] == ["IXI002-Guys-0828"]
    (case,) = ProcessedAdapter(parts=("MSLUB",)).discover(root / "Test" / "MSLUB")
    assert case.lesion_kind == "ms"


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_found_names_the_expected_layout(tmp_path, folder):
    with pytest.raises(DataError, match=r"expected Train/ixi/") as caught:
        list(ProcessedAdapter(parts=("ixi",)).discover(tmp_path / folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", ["Test/MSLUB/t1/a_t1.nii.gz", "Test/ixi/mask/a_mask.nii.gz"])
def test_files_of_one_id_in_two_parts_are_no_case(tree, sort_out, other):
    root = tree("Train/ixi/t2/a_t2.nii.gz", "Train/ixi/t2/b_t2.nii.gz", other)
    cases, (fault,) = sort_out(ProcessedAdapter(), root)
    assert [case.case_id for case in cases] == ["b"]
    assert (fault.where, fault.code) == ("a", "UB329") and "in two parts" in str(fault)


@pytest.mark.parametrize(
    ("part", "whats"),
    [
        ("Train/Brats21", ("t2", "seg")), ("Train/Brats21", ("t2", "mask")), ("Train/BraTS2020", ("t2",)),
        ("Train/Clinic", ("t2", "seg")), ("Train/ixi", ("t2", "seg")), ("Test/IXI", ("t2", "seg")),
    ],
)  # fmt: skip
def test_a_healthy_part_has_no_lesions(tree, sort_out, part, whats):
    tree(*scan("Train/ixi", "IXI002-Guys-0828", "t2", "mask"), *scan("Train/camcan", "c-1", "t2", "mask"))
    cases, (fault,) = sort_out(ProcessedAdapter(), tree(*scan(part, "x-7", *whats)))
    assert [case.case_id for case in cases] == ["IXI002-Guys-0828", "c-1"]
    assert (fault.where, fault.code) == ("x-7", "UB338") and part.lower() in str(fault).lower()
