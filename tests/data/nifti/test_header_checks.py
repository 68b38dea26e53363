"""Files that are damaged, truncated or malicious."""

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.nifti_files import RAMP, patched, refused, small_file
from uad_bench.data.nifti.read import read_volume
from uad_bench.errors import UadError


def test_missing_empty_and_web_page(tmp_path):
    assert "cannot read" in refused(tmp_path / "none.nii.gz")
    (tmp_path / "empty.nii.gz").touch()
    assert "empty" in refused(tmp_path / "empty.nii.gz")
    (tmp_path / "page.nii.gz").write_text("<!DOCTYPE html><html>not found</html>")
    assert "download" in refused(tmp_path / "page.nii.gz")
    (tmp_path / "page.nii").write_text("<!DOCTYPE html>" + "x" * 1000)
    assert "not a NIfTI" in refused(tmp_path / "page.nii")


@pytest.mark.parametrize("name", ["v.nii", "v.nii.gz"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_a_truncated_file_is_refused(write_nifti, name, share):
    path = write_nifti(name, np.random.default_rng(0).integers(0, 9999, (20, 20, 20), dtype=np.int16))
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    assert any(word in refused(path) for word in ("truncated", "damaged", "not a NIfTI"))


def test_any_flipped_byte_is_refused_or_harmless(write_nifti):
    path = write_nifti("v.nii.gz", np.random.default_rng(0).integers(0, 9999, (9, 9, 9), dtype=np.int16))
    raw, good = path.read_bytes(), read_volume(path, "case-1").array
    for position in range(10, len(raw), 11):
        path.write_bytes(raw[:position] + bytes([raw[position] ^ 0x10]) + raw[position + 1 :])
        try:
            np.testing.assert_array_equal(read_volume(path, "case-1").array, good)
        except UadError as error:
            assert "\n" not in str(error)


def test_a_flipped_byte_names_the_checksum(write_nifti):
    path = write_nifti("v.nii.gz", RAMP)
    raw = bytearray(path.read_bytes())
    raw[-8] ^= 1
    path.write_bytes(raw)
    assert "checksum" in refused(path)


def test_a_header_that_declares_too_much_allocates_nothing(write_nifti):
    path = patched(small_file(write_nifti), "dim", [3, 32767, 32767, 32767, 1, 1, 1, 1])
    tracemalloc.start()
    assert "cannot contain more than" in refused(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


@pytest.mark.parametrize("dim", [[3, 0, 2, 2, 1, 1, 1, 1], [3, -4, 2, 2, 1, 1, 1, 1], [0] * 8, [9] * 8])
def test_impossible_shapes(write_nifti, dim):
    assert "shape" in refused(patched(small_file(write_nifti), "dim", dim))


def test_a_gzip_bomb_stops_at_what_the_header_declares(write_nifti):
    path = small_file(write_nifti)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(50_000_000)))
    tracemalloc.start()
    refused(path, exit_code=5)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_bytes_after_the_stream_are_ignored_with_a_warning(write_nifti, caplog):
    path = write_nifti("v.nii.gz", RAMP)
    path.write_bytes(path.read_bytes() + b"junk")
    np.testing.assert_array_equal(read_volume(path, "c").array, RAMP)
    assert "4 bytes after the end" in caplog.text


def test_several_gzip_members_are_one_stream(write_nifti):
    path = write_nifti("v.nii", RAMP)
    raw = path.read_bytes()
    parts = path.with_name("v.nii.gz")
    parts.write_bytes(gzip.compress(raw[:500]) + gzip.compress(raw[500:]))
    np.testing.assert_array_equal(read_volume(parts, "c").array, RAMP)


def test_a_pair_of_header_and_image_is_refused(write_nifti):
    assert "single-file" in refused(patched(write_nifti("v.nii.gz", RAMP), "magic", b"ni1"))


def test_an_unreadable_file_is_named(write_nifti, monkeypatch):
    path = write_nifti("v.nii.gz", RAMP)

    def denied(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "Permission denied" in refused(path)
