import nibabel as nib
import numpy as np
import pytest

from uad_bench.data.nifti.read import Volume
from uad_bench.prepare.resampling.reorient import canonical


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR", "SAL", "ILA"])
def test_every_voxel_keeps_its_world_coordinates(axes):
    array = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    image = nib.Nifti1Image(array, np.diag([1.0, 2, 3, 1]))
    turn = nib.orientations.ornt_transform(
        nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(axes)
    )
    stored = image.as_reoriented(turn)
    volume = canonical(Volume(np.asarray(stored.dataobj), stored.affine))
    assert volume.grid.axes == "RAS" and volume.array.flags.c_contiguous
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, image.affine)


def test_an_oblique_volume_gets_the_nearest_axes():
    angle = np.deg2rad(30)
    affine = np.eye(4)
    affine[:2, :2] = [[-np.cos(angle), np.sin(angle)], [-np.sin(angle), -np.cos(angle)]]
    volume = canonical(Volume(np.zeros((3, 4, 5), bool), affine))
    assert volume.grid.axes == "RAS"
    np.testing.assert_allclose(np.linalg.det(volume.affine), np.linalg.det(affine))
