import gzip
import os

import numpy as np
import pytest

from uad_bench.errors import DataError
from uad_bench.prepare.cache.file_digests import Source, compute_digests, file_digests, stored_digests


def test_voxels_count_and_not_the_bytes_of_the_file(write_nifti):
    array = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    plain, zipped = write_nifti("a.nii", array), write_nifti("b.nii.gz", array)
    other = write_nifti("c.nii.gz", array.astype(np.float32))
    assert (
        compute_digests(Source(plain), "x").voxels
        == compute_digests(Source(zipped), "x").voxels
        == compute_digests(Source(other), "x").voxels
    )
    changed = array.copy()
    changed[0, 0, 0] += 1
    changed_digests = compute_digests(Source(write_nifti("d.nii", changed)), "x")
    assert changed_digests.voxels != compute_digests(Source(plain), "x").voxels
    moved = write_nifti("e.nii", array, np.diag([1, 1, 2, 1]))
    assert (compute_digests(Source(moved), "x").voxels, compute_digests(Source(moved), "x").grid) != (
        compute_digests(Source(plain), "x").voxels,
        compute_digests(Source(plain), "x").grid,
    )


def test_a_stamp_answers_until_the_file_changes(write_nifti, tmp_path, sealed):
    path = write_nifti("a.nii.gz", np.arange(60.0).reshape(3, 4, 5))
    assert stored_digests(Source(path), "x", tmp_path) is None
    first = file_digests(Source(path), "x", tmp_path)
    sealed()
    assert stored_digests(Source(path), "x", tmp_path) == file_digests(Source(path), "x", tmp_path) == first
    os.utime(path, ns=(1, 1))
    assert stored_digests(Source(path), "x", tmp_path) is None


def test_files_of_equal_name_size_and_time_are_distinguished(write_nifti, tmp_path):
    one = write_nifti("one/T2.nii", np.arange(60.0).reshape(3, 4, 5))
    two = write_nifti("two/T2.nii", np.arange(60.0)[::-1].reshape(3, 4, 5))
    for path in (one, two):
        os.utime(path, ns=(7, 7))
    assert file_digests(Source(one), "x", tmp_path).voxels != file_digests(Source(two), "x", tmp_path).voxels


def test_a_damaged_file_gets_no_stamp(write_nifti, tmp_path):
    path = write_nifti("a.nii.gz", np.arange(6000.0).reshape(30, 40, 5))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()))[:-20])
    with pytest.raises(DataError, match="truncated"):
        file_digests(Source(path), "x", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    with pytest.raises(DataError, match="cannot read"):
        stored_digests(Source(tmp_path / "gone.nii"), "x", tmp_path)
