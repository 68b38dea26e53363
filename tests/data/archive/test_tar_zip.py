"""Truncated and damaged archives."""

import os

import pytest

from tests.helpers.archives import FILES, assert_damaged, names, refused, tar_of, zip_of
from uad_bench.data.archive.unpack import LOCK, unpack
from uad_bench.errors import DataError


def test_f38_a_zip_with_false_sizes_is_reported_as_damaged(tmp_path):
    path = zip_of(tmp_path / "liar.zip", {"zeros": bytes(1 << 20)})
    raw, size = path.read_bytes(), (1 << 20).to_bytes(4, "little")
    path.write_bytes(raw.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(DataError, match="damaged"):
        unpack(path, tmp_path / "data")
    assert names(tmp_path / "data") <= {LOCK}


def test_f38_a_header_that_requests_too_much_memory_is_refused(tmp_path):
    tar_of(tmp_path / "pax.tar", {"é" * 60: b"1"})  # a name that needs an extended header
    raw = bytearray((tmp_path / "pax.tar").read_bytes())
    raw[124:136] = b"77777777777\0"
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    (tmp_path / "pax.tar").write_bytes(raw)
    assert "header of" in refused(tmp_path / "pax.tar", tmp_path / "data")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("keep", [0.02, 0.5, 0.8])
def test_truncated_tars_leave_nothing(tmp_path, mode, keep):
    files = {name: os.urandom(30000) for name in FILES}
    path = tar_of(tmp_path / "cut", files, mode)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep)])
    assert_damaged(path, tmp_path / "data")


def test_a_tar_cut_between_two_members_is_truncated(tmp_path):
    path = tar_of(tmp_path / "cut.tar", {"a": bytes(512), "b": bytes(512)})
    path.write_bytes(path.read_bytes()[:1024])
    assert_damaged(path, tmp_path / "data")


def test_a_damaged_header_is_not_mistaken_for_the_end(tmp_path):
    path = tar_of(tmp_path / "flip.tar", {"a": bytes(512), "b": bytes(512)})
    raw = bytearray(path.read_bytes())
    raw[1024] ^= 1
    path.write_bytes(raw)
    assert_damaged(path, tmp_path / "data")


@pytest.mark.parametrize("make", [lambda p, f: tar_of(p, f, "w:gz"), zip_of])
def test_f04_a_flipped_byte_in_the_packed_voxels_is_found(tmp_path, make):
    path = make(tmp_path / "flip", {"a.nii": os.urandom(50000)})
    raw = bytearray(path.read_bytes())
    raw[25000] ^= 1
    path.write_bytes(raw)
    assert_damaged(path, tmp_path / "data")


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html>not found", b"PK\3\4 and nothing", b"\x1f\x8b\x08"]
)
def test_f05_files_that_are_no_archive_are_reported(tmp_path, content):
    (tmp_path / "page.tar").write_bytes(content)
    assert_damaged(tmp_path / "page.tar", tmp_path / "data")
