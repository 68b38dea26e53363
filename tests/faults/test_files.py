"""F01 to F06 and F35: files that are damaged, of another type, or without permission.

Tested elsewhere: several faults in one report (F01, F02), tests/cli/test_data.py; F01 to F06 in the reader,
tests/data/nifti/test_header_checks.py; F04 and F05 for archives, tests/data/archive/test_tar_zip.py.
"""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.damage import flip, with_header


@pytest.mark.parametrize("column", ["t2", "brain_mask", "lesion_mask"])
def test_f01_an_empty_file(workspace, column):
    path = workspace.file("a00", column)
    path.write_bytes(b"")
    workspace.refuses("a00", "UB321", "the file is empty", path.name)


@pytest.mark.parametrize("column", ["t2", "brain_mask", "lesion_mask"])
def test_f02_a_compressed_file_cut_in_half(workspace, column):
    path = workspace.file("a00", column)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    workspace.refuses("a00", "UB322", "truncated", path.name)


@pytest.mark.parametrize("column", ["t2", "lesion_mask"])
def test_f03_a_plain_file_cut(workspace, column):
    path = workspace.data / f"plain_{column}.nii"
    path.write_bytes(gzip.decompress(workspace.file("a00", column).read_bytes())[:-1])
    workspace.change("a00", **{column: path.name})
    workspace.refuses("a00", "UB322", "truncated", path.name)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_f04_a_flipped_byte_inside_gzip(workspace, place):
    path = workspace.file("h01")
    flip(path, int(place * path.stat().st_size))
    workspace.refuses("h01", "UB322", "damaged", path.name)


def test_f04_a_flipped_byte_in_what_was_prepared(workspace):
    """The digest of prepared voxels is compared before a method receives them."""
    assert workspace.prepare().code == 0
    flip(workspace.entry("a00") / "image.npy", -1)
    stopped = workspace.run()
    assert stopped.code == 5
    assert "error[UB506]: the cache entry was changed" in stopped.error
    assert not list(workspace.runs.rglob("metrics.csv"))


def test_f05_a_web_page_under_the_name_of_a_scan(workspace):
    workspace.file("h01").write_text("<!DOCTYPE html><html><body>404 not found</body></html>")
    workspace.refuses("h01", "UB323", "not a gzip file", "failed download", "h01_t2.nii.gz")


def test_f06_bytes_after_the_stream_are_a_warning_and_change_no_voxel(workspace):
    workspace.keep("h00", "h01")
    workspace.prepare()
    before = workspace.entries(), workspace.prepared("h01")["image"]
    path = workspace.file("h01")
    path.write_bytes(path.read_bytes() + b"<!-- served by a proxy -->")
    answer = workspace.prepare()
    assert answer.code == 0
    assert "26 bytes after the end of the gzip stream" in answer.err
    assert (workspace.entries(), np.array_equal(before[1], workspace.prepared("h01")["image"])) == (
        before[0],
        True,
    )
    answer = workspace.check()
    assert answer.code == 0
    assert "1 warning: accepted with a warning" in answer.out
    assert "h01_t2.nii.gz" in answer.out


def test_f06_bytes_after_the_voxels_are_a_warning(workspace):
    """A file whose header has a damaged size or type may be readable; the warning asks for a check."""
    with_header(workspace.file("h01"), dim=[3, 24, 28, 19, 1, 1, 1, 1])
    answer = workspace.check()
    assert "h01_t2.nii.gz: 1344 bytes after the voxels" in answer.out


def test_f35_a_file_that_may_not_be_read(workspace, monkeypatch):
    """The tests may run as root, who may read everything; so the refusal is simulated."""
    opened = Path.open

    def refuse(self, *args, **kwargs):
        if self.name == "h01_t2.nii.gz":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    workspace.refuses("h01", "UB321", "Permission denied", "h01_t2.nii.gz")


@pytest.mark.parametrize("verb", ["check", "prepare", "run"])
def test_f35_a_folder_that_may_not_be_looked_into(workspace, monkeypatch, verb):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refuse)
    answer = getattr(workspace, verb)()
    assert answer.code == 3
    assert "error[UB321]: cannot read the data: Permission denied" in answer.error
    assert f"({workspace.data / 'cases.csv'})" in answer.error


def test_f35_a_shelf_of_data_that_may_not_be_looked_into(workspace, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setenv("UAD_BENCH_DATA", str(workspace.root))
    monkeypatch.setattr(Path, "iterdir", refuse)
    answer = workspace.call("data", "check", "folder")
    assert answer.code == 3
    assert f"error[UB321]: cannot read the data: Permission denied ({workspace.root})" in answer.error
