import pytest

from uad_bench.errors import DataError
from uad_datasets.brats21 import Brats21Adapter, subject_of

ENDINGS = ("t1", "t1ce", "t2", "flair", "seg")


def case_2021(number, *endings, folder=""):
    name = f"BraTS2021_{number}"
    return [f"{folder}{name}/{name}_{ending}.nii.gz" for ending in endings or ENDINGS]


def case_2023(number, *endings):
    name = f"BraTS-GLI-{number}-000"
    return [f"{name}/{name}-{ending}.nii.gz" for ending in endings or ("t1n", "t1c", "t2w", "t2f", "seg")]


@pytest.mark.parametrize(
    "folder", ["", "BraTS2021_Training_Data/", "a/RSNA_ASNR_MICCAI_BraTS2021_TrainingData_16July2021/"]
)
def test_case_folders_at_any_depth(tree, folder):
    root = tree(*case_2021("00002", folder=folder), *case_2021("00000", folder=folder))
    cases = list(Brats21Adapter().discover(root))
    assert [case.case_id for case in cases] == ["BraTS2021_00000", "BraTS2021_00002"]
    assert list(cases[0].images) == ["t1", "t1ce", "t2", "flair"]
    assert cases[0].images["t1ce"].name == "BraTS2021_00000_t1ce.nii.gz"
    assert (cases[0].healthy, cases[0].lesion_kind, cases[0].lesion_labels) == (False, "tumour", ())
    assert (cases[0].lesion_mask.name, cases[0].stripped) == ("BraTS2021_00000_seg.nii.gz", True)


def test_the_names_of_2023_mean_the_same(tree):
    (case,) = Brats21Adapter().discover(tree(*case_2023("00005")))
    assert case.case_id == "BraTS-GLI-00005-000"
    endings = {what: path.name.split("-")[-1] for what, path in case.images.items()}
    assert endings == {"t1": "t1n.nii.gz", "t1ce": "t1c.nii.gz", "t2": "t2w.nii.gz", "flair": "t2f.nii.gz"}


def test_both_names_of_a_scan_are_one_subject(tree):
    root = tree(*case_2021("00005"), *case_2023("00005"), *case_2023("00006"))
    cases = list(Brats21Adapter().discover(root))
    assert [case.subject_id for case in cases] == ["BraTS-00005", "BraTS-00006", "BraTS-00005"]
    assert subject_of("patient01") == "patient01"


def test_only_the_modalities_that_exist(tree):
    (case,) = Brats21Adapter().discover(tree(*case_2021("00000", "t2", "seg")))
    assert list(case.images) == ["t2"]


def test_every_case_without_its_mask_is_reported(tree, sort_out):
    tree(*case_2021("00000"), *case_2021("00003", "t1", "t2"))
    cases, faults = sort_out(Brats21Adapter(), tree(*case_2023("00004", "t2w")))
    assert [case.case_id for case in cases] == ["BraTS2021_00000"]
    assert [fault.where for fault in faults] == ["BraTS-GLI-00004-000", "BraTS2021_00003"]
    assert {fault.code for fault in faults} == {"UB333"}


def test_the_validation_folder_is_left_out_with_a_line(tree, sort_out, caplog):
    hidden = case_2021("00001", "t1", "t2", folder="RSNA_ASNR_MICCAI_BraTS2021_ValidationData/")
    cases, faults = sort_out(Brats21Adapter(), tree(*hidden, *case_2021("00000", folder="TrainingData/")))
    assert ([case.case_id for case in cases], faults) == (["BraTS2021_00000"], [])
    assert "not public: 1, BraTS2021_00001" in caplog.text


def test_two_releases_under_one_root_are_no_guess(tree, sort_out):
    root = tree(*case_2021("00000", folder="kaggle/"), *case_2021("00000", folder="synapse/"))
    cases, (fault,) = sort_out(Brats21Adapter(), root)
    assert cases == []
    assert "and so for" in str(fault)


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_found_names_the_expected_layout(tmp_path, folder):
    with pytest.raises(DataError, match=r"expected BraTS2021_00000/") as caught:
        list(Brats21Adapter().discover(tmp_path / folder))
    assert "\n" not in str(caught.value)


def test_the_real_samples(shared_data):
    cases = list(Brats21Adapter().discover(shared_data / "BraTS21"))
    assert [case.case_id for case in cases] == ["BraTS2021_00001", "BraTS2021_96692"]
    assert all(path.is_file() for case in cases for path in (*case.images.values(), case.lesion_mask))
    assert all(len(case.images) == 4 for case in cases)


OTHERS = ("GLI-2024", "MEN", "MEN-RT", "MET", "PED", "SSA")


@pytest.mark.parametrize(
    ("case_id", "subject", "ignored", "stripped"),
    [
        ("BraTS-GLI-00005-000", "BraTS-00005", (), True),
        ("BraTS-GLI-00005-100", "BraTS-00005", (4,), True),
        ("BraTS-MET-00001-000", "BraTS-MET-00001", (4,), True),
        ("BraTS-MEN-00004-000", "BraTS-MEN-00004", (), True),
        ("BraTS-SSA-00002-000", "BraTS-SSA-00002", (), True),
        ("BraTS-PED-00002-000", "BraTS-PED-00002", (), None),
    ],
)
def test_later_editions_are_read_where_named_and_their_cavities_are_ignored(
    tree, case_id, subject, ignored, stripped
):
    root = tree(*(f"x/{case_id}/{case_id}-{ending}.nii.gz" for ending in ("t2w", "seg")))
    (case,) = Brats21Adapter(editions=OTHERS).discover(root)
    assert (case.case_id, case.subject_id, case.stripped) == (case_id, subject, stripped)
    assert (case.lesion_labels, case.ignored_labels) == ((1, 2, 3) if ignored else (), ignored)


@pytest.mark.parametrize(
    ("case_id", "edition", "dataset"),
    [
        ("BraTS-GLI-00005-100", "GLI-2024", "dataset brats_gli"),
        ("BraTS-MET-00001-000", "MET", "dataset brats_mets"),
        ("BraTS-PED-00002-000", "PED", "dataset brats_peds"),
        ("BraTS-MEN-00004-000", "MEN", "none"),
        ("BraTS-SSA-00002-000", "SSA", "none"),
    ],
)
def test_cases_of_another_edition_are_an_error_that_names_their_dataset(
    tree, sort_out, case_id, edition, dataset
):
    files = [f"x/{case_id}/{case_id}-{ending}.nii.gz" for ending in ("t2w", "seg")]
    cases, (fault,) = sort_out(Brats21Adapter(), tree(*files))
    assert cases == []
    assert (fault.code, fault.where) == ("UB334", case_id)
    assert f"{edition} is read by {dataset}; or set brats21.editions=[{edition}]" in str(fault)
    cases, faults = sort_out(Brats21Adapter(), tree(*case_2021("00005")))
    assert ([case.case_id for case in cases], len(faults)) == (["BraTS2021_00005"], 1)


def test_the_meningiomas_before_radiotherapy_are_whole_heads(tree):
    root = tree(*(f"BraTS-MEN-RT-0002-1/BraTS-MEN-RT-0002-1_{ending}.nii.gz" for ending in ("t1c", "gtv")))
    (case,) = Brats21Adapter(editions=OTHERS).discover(root)
    assert (list(case.images), case.lesion_mask.name, case.stripped) == (
        ["t1ce"], "BraTS-MEN-RT-0002-1_gtv.nii.gz", False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case_id", "known"),
    [
        ("BraTS2021_00005", ()),
        ("BraTS-GLI-00005-000", (1, 2, 3)),
        ("BraTS-GLI-00005-100", (1, 2, 3, 4)),
        ("BraTS-MET-00005-000", (1, 2, 3, 4)),
        ("BraTS-MEN-00005-000", (1, 2, 3)),
        ("BraTS-SSA-00005-000", (1, 2, 3)),
        ("BraTS-PED-00005-000", (1, 2, 3, 4)),
    ],
)
def test_the_labels_of_each_edition_are_declared(tree, case_id, known):
    between = "_" if "2021" in case_id else "-"
    endings = ("t2", "seg") if "2021" in case_id else ("t2w", "seg")
    root = tree(*(f"{case_id}/{case_id}{between}{ending}.nii.gz" for ending in endings))
    (case,) = Brats21Adapter(editions=OTHERS).discover(root)
    assert case.known_labels == known


@pytest.mark.parametrize(
    ("name", "edition"),
    [
        ("BraTS20_Training_001/BraTS20_Training_001_flair", "BraTS20_Training"),
        ("BraTS-XYZ-00001-000/BraTS-XYZ-00001-000-t2w", "BraTS-XYZ"),
    ],
)
def test_an_edition_that_is_not_known_is_an_error_that_names_it(tree, sort_out, name, edition):
    cases, (fault,) = sort_out(Brats21Adapter(), tree(f"{name}.nii.gz"))
    assert cases == []
    assert f"edition {edition!r}" in str(fault)
    cases, faults = sort_out(Brats21Adapter(), tree(*case_2021("00000")))
    assert (len(cases), len(faults)) == (1, 1)


def test_other_files_of_a_known_edition_are_no_unknown_edition(tree, sort_out):
    root = tree(*case_2021("00000"), "BraTS2021_00000/BraTS2021_00000_brainmask.nii.gz")
    cases, faults = sort_out(Brats21Adapter(), root)
    assert ([case.case_id for case in cases], faults) == (["BraTS2021_00000"], [])


def test_names_in_capitals_are_the_same_files(tree):
    root = tree(*(f"BraTS2021_00000/BraTS2021_00000_{name}" for name in ("T2.NII.GZ", "seg.nii.gz")))
    (case,) = Brats21Adapter().discover(root)
    assert (list(case.images), case.lesion_mask is None) == (["t2"], False)


def test_names_in_other_capitals_are_told(tree, sort_out):
    _, (fault,) = sort_out(Brats21Adapter(), tree("BRATS2021_00000/BRATS2021_00000_t2.nii.gz"))
    assert "in other capitals than BraTS2021_00000: 1 files" in str(fault)
