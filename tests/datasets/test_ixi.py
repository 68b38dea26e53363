import pytest

from uad_bench.errors import DataError
from uad_datasets.ixi import IxiAdapter

HEAD = 'IXI_ID,"SEX_ID (1=m, 2=f)",HEIGHT,WEIGHT,ETHNIC_ID,DOB,AGE'


@pytest.mark.parametrize("folder", ["IXI-T2/", "T2/", "t2/", "", "deep/er/"])
def test_the_file_name_decides_in_any_folder(tree, folder):
    root = tree(f"{folder}IXI002-Guys-0828-T2.nii.gz")
    (case,) = IxiAdapter().discover(root)
    assert (case.case_id, case.subject_id, case.site) == ("IXI002-Guys-0828", "IXI002", "Guys")
    assert dict(case.images) == {"t2": root / f"{folder}IXI002-Guys-0828-T2.nii.gz"}
    assert (case.healthy, case.lesion_mask, case.brain_mask, case.stripped) == (True, None, None, False)
    assert (case.age, case.sex) == (None, None)


def test_modalities_are_paired_and_only_what_exists_is_named(tree):
    tree("IXI-T1/IXI012-HH-1211-T1.nii.gz", "IXI-T2/IXI012-HH-1211-T2.nii.gz", "pd/IXI012-HH-1211-pd.nii.gz")
    tree("IXI-DTI/IXI700-HH-1234-DTI-00.nii.gz", "IXI-MRA/IXI012-HH-1211-MRA.nii.gz", "IXI-T1/notes.nii.gz")
    cases = list(IxiAdapter().discover(tree("IXI-T1/IXI600-IOP-1202-T1.nii")))
    assert [case.case_id for case in cases] == ["IXI012-HH-1211", "IXI600-IOP-1202"]
    assert [list(case.images) for case in cases] == [["t1", "t2", "pd"], ["t1"]]


def test_sessions_of_one_subject_share_its_id(tree):
    root = tree("T2/IXI219-Guys-0894-T2.nii.gz", "T2/IXI219-Guys-0999-T2.nii.gz")
    assert [case.subject_id for case in IxiAdapter().discover(root)] == ["IXI219", "IXI219"]


def test_the_mask_of_t2_is_used_for_all_modalities(tree):
    root = tree(*(f"IXI012-HH-1211-{word}.nii.gz" for word in ("T1", "T1_mask", "T2", "T2_mask", "PD")))
    (case,) = IxiAdapter(stripped=True).discover(root)
    assert case.brain_mask.name == "IXI012-HH-1211-T2_mask.nii.gz"
    assert case.stripped is True


def test_a_mask_without_its_image_is_no_case(tree, sort_out):
    root = tree("T2/IXI219-Guys-0894-T2_mask.nii.gz")
    with pytest.raises(DataError, match="no case found"):
        list(IxiAdapter().discover(root))
    _, (fault,) = sort_out(IxiAdapter(), tree("T2/IXI002-Guys-0828-T2.nii.gz"))
    assert (fault.where, fault.code) == ("IXI219-Guys-0894", "UB332")


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_found_names_the_expected_layout(tmp_path, folder):
    with pytest.raises(DataError, match=r"IXI-T2/IXI002-Guys-0828-T2\.nii\.gz") as caught:
        list(IxiAdapter().discover(tmp_path / folder))
    assert (caught.value.exit_code, caught.value.code) == (3, "UB334")
    assert "\n" not in str(caught.value)


def test_two_copies_under_one_root_are_an_error_and_hide_no_other_case(tree, sort_out):
    tree(*(f"{copy}/T2/IXI002-Guys-0828-T2.nii.gz" for copy in ("IXI", "stripped")))
    cases, (fault,) = sort_out(IxiAdapter(), tree("IXI/T2/IXI012-HH-1211-T2.nii.gz"))
    assert [case.case_id for case in cases] == ["IXI012-HH-1211"]
    assert str(fault).startswith("two files for t2: IXI/T2/IXI002-Guys-0828-T2.nii.gz and stripped/T2/")


@pytest.mark.parametrize("place", ["IXI.csv", "ixi.csv", "../IXI.csv"])
def test_ages_and_sexes_come_from_the_table_in_the_root(tree, place):
    root = tree(
        "T2/IXI002-Guys-0828-T2.nii.gz", "T2/IXI012-HH-1211-T2.nii.gz", "T2/IXI600-IOP-1202-T2.nii.gz"
    )
    (root / place).write_text(f"{HEAD}\n2,2,164,58,1,22/04/1970,35.800137\n12,1,0,0,,,0\n999,1,0,0,,,50\n")
    cases = list(IxiAdapter().discover(root))
    assert [(case.age, case.sex) for case in cases] == [(35.800137, "f"), (None, "m"), (None, None)]


def test_the_official_sheet_is_read_as_it_is(tree, write_xls, tmp_path):
    columns = ["IXI_ID", "SEX_ID (1=m, 2=f)", "HEIGHT", "WEIGHT", "DOB", "STUDY_DATE", "AGE"]
    sheet = write_xls(
        tmp_path / "IXI.xls", [columns, [2, 2, 164, 58, "", "", 35.800137], [12, 1, 0, 0, "", "", ""]]
    )
    root = tree("a/T2/IXI002-Guys-0828-T2.nii.gz", "a/T2/IXI012-HH-1211-T2.nii.gz")
    for adapter in (IxiAdapter(), IxiAdapter(sheet=str(sheet))):
        assert [(case.age, case.sex) for case in adapter.discover(root)] == [(35.800137, "f"), (None, "m")]


def test_f28_a_subject_on_two_rows_is_one_case_of_unknown_age(tree, caplog):
    root = tree("T2/IXI219-Guys-0894-T2.nii.gz", "T2/IXI237-Guys-1049-T2.nii.gz")
    (root / "IXI.csv").write_text(
        f"{HEAD}\n219,2,0,0,,,40.1\n219,2,0,0,,,44.9\n237,1,0,0,,,51\n237,1,9,9,,,51\n"
    )
    cases = list(IxiAdapter().discover(root))
    assert [(case.subject_id, case.age, case.sex) for case in cases] == [
        ("IXI219", None, "f"),
        ("IXI237", 51, "m"),
    ]
    assert "219" in caplog.text and "237" not in caplog.text


def test_a_sheet_that_is_named_must_be_there(tree, tmp_path):
    adapter = IxiAdapter(sheet=str(tmp_path / "none.xls"))
    with pytest.raises(DataError, match=r"table cannot be read.*none\.xls"):
        list(adapter.discover(tree("T2/IXI002-Guys-0828-T2.nii.gz")))


def test_the_real_samples(shared_data):
    (case,) = IxiAdapter().discover(shared_data / "IXI_brain")
    assert list(case.images) == ["t1", "t2"]
    assert case.brain_mask == shared_data / "IXI_brain/IXI-T2/IXI002-Guys-0828-T2_mask.nii.gz"
    (whole,) = IxiAdapter().discover(shared_data / "IXI")
    assert (whole.brain_mask, whole.stripped) == (None, False)
    (fault,) = IxiAdapter().discover(shared_data)
    assert fault.code == "UB329"
