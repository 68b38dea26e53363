"""F01 to F06 and F35: files that are not what they say, or may not be read.

Met elsewhere: several faults in one report (F01, F02), tests/cli/test_data.py; F01 to F06 at the reader itself,
tests/data/nifti/test_read.py; F04 and F05 for archives, tests/data/archive/test_archive.py.
"""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.damage import flip, with_header


@pytest.mark.parametrize("column", ["t2", "brain_mask", "lesion_mask"])
def test_f01_an_empty_file(desk, column):
    path = desk.file("a00", column)
    path.write_bytes(b"")
    desk.refuses("a00", "UB321", "the file is empty", path.name)


@pytest.mark.parametrize("column", ["t2", "brain_mask", "lesion_mask"])
def test_f02_a_compressed_file_cut_in_half(desk, column):
    path = desk.file("a00", column)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    desk.refuses("a00", "UB322", "truncated", path.name)


@pytest.mark.parametrize("column", ["t2", "lesion_mask"])
def test_f03_a_plain_file_cut(desk, column):
    path = desk.data / f"plain_{column}.nii"
    path.write_bytes(gzip.decompress(desk.file("a00", column).read_bytes())[:-1])
    desk.change("a00", **{column: path.name})
    desk.refuses("a00", "UB322", "truncated", path.name)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_f04_a_flipped_byte_inside_gzip(desk, place):
    path = desk.file("h01")
    flip(path, int(place * path.stat().st_size))
    desk.refuses("h01", "UB322", "damaged", path.name)


def test_f04_a_flipped_byte_in_what_was_prepared(desk):
    """The digest of prepared voxels is compared before a method sees them."""
    assert desk.prepare().code == 0
    flip(desk.entry("a00") / "image.npy", -1)
    stopped = desk.run()
    assert stopped.code == 5
    assert "error[UB506]: the cache entry was changed" in stopped.error
    assert not list(desk.runs.rglob("metrics.csv"))


def test_f05_a_web_page_under_the_name_of_a_scan(desk):
    desk.file("h01").write_text("<!DOCTYPE html><html><body>404 not found</body></html>")
    desk.refuses("h01", "UB323", "not a gzip file", "failed download", "h01_t2.nii.gz")


def test_f06_junk_behind_the_stream_is_told_and_changes_no_voxel(desk):
    desk.keep("h00", "h01")
    desk.prepare()
    before = desk.entries(), desk.prepared("h01")["image"]
    path = desk.file("h01")
    path.write_bytes(path.read_bytes() + b"<!-- served by a proxy -->")
    told = desk.prepare()
    assert told.code == 0
    assert "26 bytes after the end of the gzip stream" in told.err
    assert (desk.entries(), np.array_equal(before[1], desk.prepared("h01")["image"])) == (before[0], True)
    told = desk.check()
    assert told.code == 0
    assert "1 warning: accepted with a warning" in told.out
    assert "h01_t2.nii.gz" in told.out


def test_f06_bytes_behind_the_voxels_are_told(desk):
    """What a header with a damaged size or type leaves of its file: it may be read, and should be looked at."""
    with_header(desk.file("h01"), dim=[3, 24, 28, 19, 1, 1, 1, 1])
    told = desk.check()
    assert "h01_t2.nii.gz: 1344 bytes after the voxels" in told.out


def test_f35_a_file_that_may_not_be_read(desk, monkeypatch):
    """The tests may run as root, who may read everything; so the refusal is played."""
    opened = Path.open

    def refuse(self, *args, **kwargs):
        if self.name == "h01_t2.nii.gz":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    desk.refuses("h01", "UB321", "Permission denied", "h01_t2.nii.gz")


@pytest.mark.parametrize("verb", ["check", "prepare", "run"])
def test_f35_a_folder_that_may_not_be_looked_into(desk, monkeypatch, verb):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refuse)
    told = getattr(desk, verb)()
    assert told.code == 3
    assert "error[UB321]: cannot read the data: Permission denied" in told.error
    assert f"({desk.data / 'cases.csv'})" in told.error


def test_f35_a_shelf_of_data_that_may_not_be_looked_into(desk, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setenv("UAD_BENCH_DATA", str(desk.root))
    monkeypatch.setattr(Path, "iterdir", refuse)
    told = desk.call("data", "check", "folder")
    assert told.code == 3
    assert f"error[UB321]: cannot read the data: Permission denied ({desk.root})" in told.error
