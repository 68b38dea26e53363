import numpy as np
import SimpleITK as sitk

from uad_bench.data.nifti.read import Grid
from uad_bench.prepare.registration.sitk import frame_to_world, from_sitk, one_thread, to_sitk


def test_an_array_keeps_its_axes_on_the_way_to_simpleitk_and_back():
    array = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    image = to_sitk(array, (1.0, 2.0, 3.0))
    assert (image.GetSize(), image.GetSpacing()) == ((3, 4, 5), (1.0, 2.0, 3.0))
    assert image.GetPixel(1, 2, 3) == array[1, 2, 3]
    np.testing.assert_array_equal(from_sitk(image), array)
    assert from_sitk(to_sitk(array > 0.5, (1.0, 1.0, 1.0))).dtype == np.uint8


def test_the_voxel_frame_is_mapped_to_the_world():
    affine = np.array([[0, -2.0, 0, 5], [1, 0, 0.3, 6], [0, 0, 3, 7], [0, 0, 0, 1]])
    grid = Grid((4, 4, 4), affine)
    voxel = np.array([1, 2, 3])
    at = np.append(voxel * grid.spacing, 1)
    np.testing.assert_allclose(frame_to_world(grid) @ at, affine @ [*voxel, 1])


def test_one_thread_is_undone_afterwards():
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    with one_thread():
        assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == 1
    assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == before
