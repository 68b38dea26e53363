import logging

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.nifti_files import RAMP, patched, refused
from uad_bench.data.nifti.read import Grid, offset_voxels, read_grid, read_mask, read_volume
from uad_bench.errors import DataError

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("name", ["v.nii", "v.nii.gz"])
def test_values_and_affine_come_back(write_nifti, dtype, name):
    array = (RAMP % 200).astype(dtype)
    volume = read_volume(write_nifti(name, array, LPS), "case-1")
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_array_equal(volume.affine, LPS)
    assert volume.grid.axes == "LPS"


def test_slope_and_intercept_are_applied(tmp_path):
    image = nib.Nifti1Image(RAMP.astype(np.int16), np.eye(4))
    image.header.set_slope_inter(2, 10)
    nib.save(image, tmp_path / "v.nii.gz")
    stored = nib.load(tmp_path / "v.nii.gz").get_fdata()
    np.testing.assert_allclose(read_volume(tmp_path / "v.nii.gz", "c").array, stored, rtol=1e-6)


def test_nifti_2_is_read(tmp_path):
    nib.save(nib.Nifti2Image(RAMP, LPS), tmp_path / "v.nii")
    np.testing.assert_array_equal(read_volume(tmp_path / "v.nii", "c").array, RAMP)


def test_one_frame_is_squeezed_three_are_refused(write_nifti):
    assert read_volume(write_nifti("one.nii.gz", RAMP[..., None]), "c").array.shape == (6, 7, 8)
    assert "(6, 7, 8, 3)" in refused(write_nifti("three.nii.gz", np.stack([RAMP] * 3, axis=-1)))
    assert "(6, 7)" in refused(write_nifti("flat.nii.gz", RAMP[..., 0]))


@pytest.mark.parametrize("row", [[0, 0, 0, 0], [np.nan] * 4, [0, 1, 0, 0]])
def test_unusable_affines(write_nifti, row):
    assert "orientation" in refused(patched(write_nifti("v.nii.gz", RAMP), "srow_x", row))


def test_orientation_is_not_guessed_without_a_code(write_nifti):
    path = patched(patched(write_nifti("v.nii.gz", RAMP), "sform_code", 0), "qform_code", 0)
    assert "orientation" in refused(path)


def test_complex_voxels_and_constant_volumes(write_nifti):
    assert "neither integers nor real" in refused(write_nifti("c.nii.gz", RAMP.astype(np.complex64)))
    assert "no contrast" in refused(write_nifti("k.nii.gz", np.full((5, 5, 5), 7, np.int16)))
    assert "no finite voxel" in refused(write_nifti("n.nii.gz", np.full((5, 5, 5), np.nan, np.float32)))


def test_grid_comes_from_the_header_alone(write_nifti):
    path = write_nifti("v.nii.gz", np.random.default_rng(0).random((30, 30, 30)), LPS)
    path.write_bytes(path.read_bytes()[:4000])
    assert read_grid(path, "c").shape == (30, 30, 30)


@pytest.mark.parametrize(("labels", "counted"), [((), [1, 2, 4]), ((1, 4), [1, 4]), ((2,), [2])])
def test_mask_labels(write_nifti, labels, counted):
    values = (np.arange(125).reshape(5, 5, 5) % 5).astype(np.uint8)
    values[values == 3] = 0
    path = write_nifti("m.nii.gz", values)
    mask = read_mask(path, "c", Grid((5, 5, 5), np.eye(4)), labels)
    assert mask.array.dtype == np.bool_
    np.testing.assert_array_equal(mask.array, np.isin(values, counted))


def test_an_empty_mask_is_a_mask(write_nifti):
    path = write_nifti("m.nii.gz", np.zeros((5, 5, 5), np.uint8))
    assert not read_mask(path, "c", Grid((5, 5, 5), np.eye(4))).array.any()


def test_fractional_mask_values_are_refused(write_nifti):
    path = write_nifti("m.nii.gz", np.full((5, 5, 5), 0.999, np.float32))
    with pytest.raises(DataError, match="not integers"):
        read_mask(path, "c", Grid((5, 5, 5), np.eye(4)))


def test_a_mask_half_a_voxel_off_is_read_with_a_warning(write_nifti, caplog):
    like = np.diag([0.8, 0.5, 0.5, 1.0])
    off = like.copy()
    off[0, 3] = 0.4
    with caplog.at_level(logging.WARNING):
        mask = read_mask(
            write_nifti("m.nii.gz", (RAMP > 9).astype(np.uint8), off), "c", Grid(RAMP.shape, like)
        )
    np.testing.assert_array_equal(mask.affine, like)
    assert "0.50 voxels off" in caplog.text


@pytest.mark.parametrize("wrong", ["shape", "shift", "flip"])
def test_another_grid_names_both(write_nifti, wrong):
    affine = np.eye(4)
    affine[0, 3] = 0.6 if wrong == "shift" else 0
    affine = LPS if wrong == "flip" else affine
    array = np.zeros((6, 7, 9 if wrong == "shape" else 8), np.uint8)
    with pytest.raises(DataError, match=r"another grid: .*; the image is 6x7x8 .* axes RAS") as caught:
        read_mask(write_nifti("m.nii.gz", array, affine), "c", Grid((6, 7, 8), np.eye(4)))
    assert "\n" not in str(caught.value)


def test_offset_is_counted_at_the_far_corner():
    turned = np.eye(4)
    turned[0, 0] = 1.01
    assert offset_voxels(Grid((101, 5, 5), turned), Grid((101, 5, 5), np.eye(4))) == pytest.approx(1.0)
    assert offset_voxels(Grid((5, 5, 5), turned), Grid((5, 5, 6), turned)) == float("inf")


def test_real_scans_read_as_nibabel_reads_them(shared_data):
    path = shared_data / "MSLUB/patient07/patient07_T2W.nii.gz"
    volume, other = read_volume(path, "patient07"), nib.load(path)
    np.testing.assert_array_equal(volume.array, other.get_fdata(dtype=np.float32))
    np.testing.assert_array_equal(volume.affine, other.affine)
