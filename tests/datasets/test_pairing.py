import pytest

from uad_bench.errors import DataError
from uad_datasets.pairing import nifti_files, put, require


def test_files_come_in_order_and_skipped_folders_do_not(tmp_path):
    for name in ("b/2.nii.gz", "a/1.nii", "a/raw/0.nii.gz", "c.txt", "b/x.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    names = [str(path.relative_to(tmp_path)) for path in nifti_files(tmp_path, frozenset({"raw"}))]
    assert names == ["a/1.nii", "b/2.nii.gz"]


def test_a_second_file_names_both(tmp_path):
    found = {}
    put(found, "case-1", "t2", tmp_path / "one.nii")
    put(found, "case-1", "t1", tmp_path / "two.nii")
    with pytest.raises(DataError, match=r"one\.nii and .*three\.nii \(case-1\)"):
        put(found, "case-1", "t2", tmp_path / "three.nii")


def test_require_tells_a_missing_folder_from_an_empty_one(tmp_path):
    with pytest.raises(DataError, match="no case found"):
        require({}, tmp_path, "x.nii")
    with pytest.raises(DataError, match=r"no such folder .*: expected x\.nii"):
        require({}, tmp_path / "none", "x.nii")
    require({"case": {}}, tmp_path, "x.nii")
