import pytest

from uad_bench.errors import DataError
from uad_datasets.pairing import Pairing, need_lesion_mask


def pairing(root, *puts):
    found = Pairing(root, "x.nii")
    for case_id, what, name in puts:
        found.put(case_id, what, root / name)
    return found


def built(case_id, files):
    return case_id, sorted(files)


def test_cases_come_by_id_with_their_files(tmp_path):
    found = pairing(tmp_path, ("b", "t2", "b.nii"), ("a", "t1", "a1.nii"), ("a", "t2", "a2.nii"))
    assert list(found.cases(built)) == [("a", ["t1", "t2"]), ("b", ["t2"])]


def test_a_second_file_is_a_fault_of_its_case_alone(tmp_path):
    puts = [("a", "t2", "one/a.nii"), ("a", "t1", "x.nii"), ("b", "t2", "b.nii")]
    seconds = [("a", "t2", "two/a.nii"), ("a", "t1", "y.nii"), ("a", "t2", "three/a.nii")]
    fault, case = pairing(tmp_path, *puts, *seconds).cases(built)
    assert case == ("b", ["t2"])
    assert str(fault).startswith(
        "two files for t2: one/a.nii and two/a.nii, and so for t1 (a): name the folder"
    )
    assert fault.code == "UB329"


def test_what_the_builder_raises_is_a_fault_of_its_case_alone(tmp_path):
    def build(case_id, files):
        return need_lesion_mask(case_id, files, "seg")

    found = pairing(tmp_path, ("a", "t2", "r/a/a.nii"), ("b", "t2", "b.nii"), ("b", "lesion_mask", "m.nii"))
    fault, mask = found.cases(build)
    assert str(fault).startswith("no lesion mask (seg) in r/a (a): ")
    assert fault.code == "UB333"
    assert mask == tmp_path / "m.nii"


def test_masks_without_images_are_an_error_of_their_case(tmp_path):
    mask = ("a", "lesion_mask", "a.nii")
    fault, _ = pairing(tmp_path, mask, ("b", "t2", "b.nii")).cases(built)
    assert (fault.where, fault.code) == ("a", "UB332")
    with pytest.raises(DataError, match="no case found"):
        pairing(tmp_path, mask).cases(built)


def test_a_missing_folder_and_an_empty_one_have_different_errors(tmp_path):
    with pytest.raises(DataError, match=r"no case found .*: expected x\.nii") as caught:
        pairing(tmp_path).cases(built)
    assert caught.value.code == "UB334"
    with pytest.raises(DataError, match=r"no such folder .*: expected x\.nii"):
        pairing(tmp_path / "none").cases(built)


@pytest.mark.parametrize("folder", ["ATLAS_2/Testing/x", "test/x", "RSNA_BraTS2021_ValidationData"])
def test_a_hidden_set_is_left_out_with_one_line(tmp_path, folder, caplog):
    root = tmp_path / "data"
    hidden = [(name, "t1", f"{folder}/{name}.nii") for name in ("h1", "h2")]
    shown = ("shown", "t1", f"{folder}/s.nii"), ("shown", "lesion_mask", f"{folder}/sm.nii")
    lost = ("lost", "t1", "Training/l.nii")
    found = pairing(root, *hidden, *shown, lost)
    found.leave_out_hidden()
    assert sorted(found.files) == ["lost", "shown"]
    (record,) = caplog.records
    assert "left out, because their lesion masks are not public: 2, h1 to h2" in record.getMessage()


def test_a_hidden_set_alone_is_no_dataset(tmp_path):
    found = pairing(tmp_path / "ValidationData", ("a", "t1", "a.nii"))
    with pytest.raises(DataError, match="none of 1 cases has a lesion mask") as caught:
        found.leave_out_hidden()
    assert caught.value.code == "UB334"


def test_a_latest_folder_is_no_test_folder(tmp_path):
    found = pairing(tmp_path / "data", ("a", "t1", "latest/a.nii"))
    found.leave_out_hidden()
    assert list(found.files) == ["a"]


def test_archives_in_a_root_without_cases_are_named(tmp_path):
    (tmp_path / "IXI-T2.tar").touch()
    (tmp_path / ".hidden.zip").touch()
    with pytest.raises(
        DataError, match=r"unpack the archives first \(`uad-bench data import`\): IXI-T2.tar; expected"
    ):
        Pairing(tmp_path, "LAYOUT").cases(lambda case_id, files: case_id)
