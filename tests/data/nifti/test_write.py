"""The one writer of volumes: what it writes, the one reader reads back, in the place it came from."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from uad_bench.data.nifti.header_checks import nifti_header
from uad_bench.data.nifti.read import Volume, read_any, read_grid
from uad_bench.data.nifti.write import write_volume
from uad_bench.errors import EnvironmentFault

#: Left, back, up, thick slices, turned by 20 degrees about x.
TURNED = np.array([[-0.5, 0, 0, 61.2], [0, -0.47, -1.37, 70.4], [0, -0.17, 3.76, -33.3], [0, 0, 0, 1]])
SHEARED = TURNED @ np.array([[1, 0.2, 0, 0], [0, 1, 0.1, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(size=(7, 9, 5)).astype(np.float32)


@pytest.mark.parametrize("affine", [np.eye(4), TURNED, SHEARED], ids=["eye", "turned", "sheared"])
@pytest.mark.parametrize("name", ["map.nii.gz", "map.nii"])
def test_what_is_written_is_read_back(tmp_path, values, affine, name):
    write_volume(tmp_path / name, Volume(values, affine))
    again = read_any(tmp_path / name, "case")
    assert np.array_equal(again.array, values)
    assert np.allclose(again.affine, affine, rtol=0, atol=1e-5)


def test_both_orientations_have_a_code_and_agree_where_they_can(tmp_path, values):
    write_volume(tmp_path / "a.nii.gz", Volume(values, TURNED))
    header = nifti_header(tmp_path / "a.nii.gz", "a")
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    rotation = TURNED[:3, :3] / np.linalg.norm(TURNED[:3, :3], axis=0)
    assert np.allclose(header.get_qform()[:3, :3] / header.get_zooms(), rotation, atol=5e-3)
    assert header.get_xyzt_units()[0] == "mm"


def test_a_mask_is_bytes_of_zeros_and_ones(tmp_path, values):
    write_volume(tmp_path / "m.nii.gz", Volume(values > 0, np.eye(4)))
    image = nib.load(tmp_path / "m.nii.gz")
    assert image.get_data_dtype() == np.uint8
    assert np.array_equal(np.asarray(image.dataobj), (values > 0).astype(np.uint8))


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("codes", [(2, 1), (0, 1), (4, 0)])
def test_both_orientations_of_the_source_are_kept(tmp_path, values, kind, codes):
    """Some files say two things; a viewer must find the map where it finds the scan, whichever it believes."""
    source = kind(values, None)
    source.set_sform(TURNED, code=codes[0])
    moved = TURNED.copy()
    moved[0, 3] += 4
    source.set_qform(moved, code=codes[1])
    nib.save(source, tmp_path / "s.nii")
    like, native = nifti_header(tmp_path / "s.nii", "s"), read_grid(tmp_path / "s.nii", "s")
    write_volume(tmp_path / "m.nii.gz", Volume(values, native.affine), like)
    written = nifti_header(tmp_path / "m.nii.gz", "m")
    assert int(written["sizeof_hdr"]) == int(like["sizeof_hdr"])
    assert np.abs(written.get_best_affine() - native.affine).max() <= 1e-6
    for form, code in zip(("sform", "qform"), codes, strict=True):
        assert int(written[f"{form}_code"]) == (code or max(codes))
        if code:
            there, here = (getattr(header, f"get_{form}")() for header in (written, like))
            assert np.allclose(there, here, rtol=0, atol=1e-5)


def test_equal_volumes_are_equal_bytes(tmp_path, values):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_volume(tmp_path / name, Volume(values, TURNED))
    data = (tmp_path / "a.nii.gz").read_bytes()
    assert data == (tmp_path / "b.nii.gz").read_bytes()
    assert gzip.decompress(data)[344:347] == b"n+1" and data[4:8] == b"\0\0\0\0"


def test_what_cannot_be_written_leaves_what_was_there(tmp_path, values, monkeypatch):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("uad_bench.support.atomic_files.os.fsync", full)
    with pytest.raises(EnvironmentFault, match="No space left"):
        write_volume(path, Volume(values, TURNED))
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.nii.gz"]
