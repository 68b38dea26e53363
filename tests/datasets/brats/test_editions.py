"""The editions of BraTS from 2023 on: which is read, by what it is told, and what its labels mean."""

import pytest

from uad_datasets.brats.editions import year_of
from uad_datasets.brats.gli import BratsGliAdapter
from uad_datasets.brats.mets import BratsMetsAdapter
from uad_datasets.brats.peds import BratsPedsAdapter
from uad_datasets.brats21 import Brats21Adapter

GLI_2023 = "ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData/"
PED_2023 = "ASNR-MICCAI-BraTS2023-PED-Challenge-TrainingData/"
PED_2024 = "BraTS-PEDs2024_Training/"
MET_2024 = "MICCAI-BraTS2024-MET-Challenge-Training_1/"
MET_2025 = "MICCAI-LH-BraTS2025-MET-Challenge-Training/"
ENDINGS = ("t1n", "t1c", "t2w", "t2f", "seg")


def files(case_id, folder="", endings=ENDINGS):
    return [f"{folder}{case_id}/{case_id}-{ending}.nii.gz" for ending in endings]


@pytest.mark.parametrize(
    ("adapter", "folder", "case_id", "lesion", "ignored", "known"),
    [
        (BratsGliAdapter(), GLI_2023, "BraTS-GLI-00000-000", (), (), (1, 2, 3)),
        (
            BratsGliAdapter(),
            "training_data1_v2/",
            "BraTS-GLI-00005-100",
            (1, 2, 3),
            (4,),
            (1, 2, 3, 4),
        ),
        (
            BratsGliAdapter(),
            "training_data_additional/",
            "BraTS-GLI-02405-101",
            (1, 2, 3),
            (4,),
            (1, 2, 3, 4),
        ),
        (BratsPedsAdapter(), PED_2023, "BraTS-PED-00002-000", (), (), (1, 2, 3)),
        (BratsPedsAdapter(), PED_2024, "BraTS-PED-00001-000", (), (), (1, 2, 3, 4)),
        (BratsPedsAdapter(), "BraTS-PEDs-v1/Training/", "BraTS-PED-00001-000", (), (), (1, 2, 3, 4)),
        (BratsMetsAdapter(), MET_2024, "BraTS-MET-00001-000", (), (), (1, 2, 3)),
        (BratsMetsAdapter(), MET_2025, "BraTS-MET-00001-000", (1, 2, 3), (4,), (1, 2, 3, 4)),
        (
            BratsMetsAdapter(),
            "UCSD - Training/",
            "BraTS-MET-01001-001",
            (1, 2, 3),
            (4,),
            (1, 2, 3, 4),
        ),
    ],
)
def test_the_labels_of_every_edition(tree, adapter, folder, case_id, lesion, ignored, known):
    (case,) = adapter.discover(tree(*files(case_id, folder)))
    assert (case.lesion_labels, case.ignored_labels, case.known_labels) == (lesion, ignored, known)
    assert (case.dataset, case.case_id, case.healthy) == (adapter.name, case_id, False)
    assert list(case.images) == ["t1", "t1ce", "t2", "flair"]


@pytest.mark.parametrize(
    ("adapter", "case_id", "years"),
    [
        (BratsPedsAdapter(), "BraTS-PED-00001-000", "2023 or 2024"),
        (BratsMetsAdapter(), "BraTS-MET-00001-000", "2023 or 2024 or 2025"),
    ],
)
def test_an_edition_that_nothing_tells_is_an_error_until_it_is_named(tree, sort_out, adapter, case_id, years):
    root = tree(*files(case_id, "somewhere/"))
    cases, (fault,) = sort_out(adapter, root)
    assert (cases, fault.code, fault.where) == ([], "UB334", case_id)
    assert f"--set {adapter.name}.edition={years}" in str(fault)
    (case,) = type(adapter)(edition=2023).discover(root)
    assert (case.ignored_labels, case.known_labels) == ((), (1, 2, 3))


def test_the_edition_that_is_named_leaves_out_the_other_one(tree, caplog):
    root = tree(*files("BraTS-GLI-00005-000"), *files("BraTS-GLI-00005-100"), *files("BraTS-GLI-00005-101"))
    assert len(list(BratsGliAdapter().discover(root))) == 3
    cases = list(BratsGliAdapter(edition=2024).discover(root))
    assert [case.case_id for case in cases] == ["BraTS-GLI-00005-100", "BraTS-GLI-00005-101"]
    assert "not of edition 2024: 1 case, BraTS-GLI-00005-000" in caplog.text
    assert {case.subject_id for case in cases} == {"BraTS-00005"}


def test_a_case_in_two_editions_is_an_error_until_one_is_chosen(tree, sort_out):
    root = tree(
        *files("BraTS-PED-00002-000", PED_2023),
        *files("BraTS-PED-00002-000", PED_2024),
        *files("BraTS-PED-00003-000", PED_2024),
    )
    cases, (fault,) = sort_out(BratsPedsAdapter(), root)
    assert [case.case_id for case in cases] == ["BraTS-PED-00003-000"]
    assert "in two editions: 1 case (" in str(fault) and fault.where == "BraTS-PED-00002-000"
    cases, faults = sort_out(BratsPedsAdapter(edition=2024), root)
    assert (len(cases), faults) == (2, [])


@pytest.mark.parametrize(
    ("adapter", "stranger", "reads"),
    [
        (BratsGliAdapter(), "BraTS-PED-00002-000", "PED is read by dataset brats_peds"),
        (BratsMetsAdapter(), "BraTS-MEN-00004-000", "MEN is read by none"),
    ],
)
def test_cases_of_other_editions_name_their_dataset(tree, sort_out, adapter, stranger, reads):
    cases, (fault,) = sort_out(adapter, tree(*files(stranger)))
    assert cases == [] and reads in str(fault)


def test_cases_of_2021_are_not_those_of_gli(tree, sort_out):
    """Label 4 is enhancing tumour in 2021, and the resection cavity in GLI 2024."""
    root = tree(*(f"BraTS2021_00000/BraTS2021_00000_{ending}.nii.gz" for ending in ("t2", "seg")))
    cases, (fault,) = sort_out(BratsGliAdapter(), root)
    assert cases == [] and "2021 is read by dataset brats21" in str(fault)


def test_files_without_gz_and_leftovers_of_a_mac(tree):
    name = "BraTS-MET-00001-000"
    wanted = [f"{MET_2024}{name}/{name}-{ending}.nii" for ending in ("t2w", "seg")]
    root = tree(*wanted, f"__MACOSX/{name}/._{name}-t2w.nii.gz", f"{MET_2024}{name}/._{name}-seg.nii.gz")
    (case,) = BratsMetsAdapter().discover(root)
    assert (list(case.images), case.images["t2"].suffix) == (["t2"], ".nii")


def test_the_innermost_folder_tells_the_year(tmp_path):
    folder = tmp_path / "BraTS2023" / MET_2025 / "BraTS-MET-20245-000"
    assert year_of(folder / "x.nii.gz") == 2025
    assert year_of(tmp_path / "data" / "BraTS-PED-00001-000" / "x.nii.gz") == 0


def test_the_person_is_the_same_under_the_names_of_2021_and_of_every_gli(tree):
    old = tree(*(f"BraTS2021_00005/BraTS2021_00005_{ending}.nii.gz" for ending in ("t2", "seg")))
    (one,) = Brats21Adapter().discover(old)
    new = [
        case
        for case in BratsGliAdapter().discover(
            tree(*files("BraTS-GLI-00005-000"), *files("BraTS-GLI-00005-100"))
        )
        if not isinstance(case, Exception)
    ]
    assert len(new) == 2
    assert {BratsGliAdapter().person_of(case) for case in new} == {Brats21Adapter().person_of(one)}
