import numpy as np
import pytest
import torch
import torchio

from uad_bench.data.nifti.read import Volume
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.downsample import Downsample

RNG = np.random.default_rng(0)


def smooth(shape=(24, 26, 20)) -> np.ndarray:
    x, y, z = np.indices(shape)
    return (1 + 0.5 * np.sin(x / 3) * np.cos(y / 4) + 0.2 * np.sin(z / 2.5)).astype(np.float32)


def test_as_torchio_does():
    image, mask = smooth(), smooth() > 1.2
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = (5, -6, 7)
    subject = torchio.Subject(
        t2=torchio.ScalarImage(tensor=torch.from_numpy(image)[None], affine=affine),
        mask=torchio.LabelMap(tensor=torch.from_numpy(mask.astype(np.uint8))[None], affine=affine),
    )
    oracle = torchio.Resample(2, image_interpolation="bspline", label_interpolation="nearest")(subject)
    case_volumes = Downsample().apply(CaseVolumes("c", {"t2": Volume(image, affine)}, Volume(mask, affine)))
    np.testing.assert_allclose(case_volumes.images["t2"].affine, oracle["t2"].affine, atol=1e-9)
    np.testing.assert_allclose(case_volumes.images["t2"].array, oracle["t2"].numpy()[0], atol=2e-3)
    np.testing.assert_array_equal(case_volumes.brain_mask.array, oracle["mask"].numpy()[0] > 0)


def test_an_edge_does_not_overshoot():
    image = np.zeros((24, 24, 24), np.float32)
    image[8:16, 8:16, 8:16] = 1
    coarse = Downsample().apply(CaseVolumes("c", {"t2": Volume(image, np.eye(4))})).images["t2"].array
    assert coarse.shape == (12, 12, 12)
    assert coarse.min() >= 0
    assert coarse.max() == 1


def test_lost_is_converted_to_the_new_voxels_and_small_lesions_may_vanish(caplog):
    lesions = np.zeros((24, 24, 24), bool)
    lesions[4:10, 4:10, 4:10] = True
    lesions[14, 14, 14] = True  # even: no centre of the coarse grid is nearest to it
    image, mask = Volume(smooth((24, 24, 24)), np.eye(4)), Volume(lesions, np.eye(4))
    case_volumes = Downsample().apply(CaseVolumes("c", {"t2": image}, mask, mask, lost=40))
    assert case_volumes.lost == 5
    assert case_volumes.lesion_mask.array.sum() == 27
    assert (case_volumes.figures["lesions"], case_volumes.figures["lesions_vanished"]) == (2, 1)
    assert "1 of 2 lesions have no voxel left" in caplog.text


def test_a_rest_makes_one_more_voxel_that_is_not_empty():
    image = Volume(smooth((9, 8, 7)), np.eye(4))
    coarse = Downsample(factor=2).apply(CaseVolumes("c", {"t2": image})).images["t2"].array
    assert coarse.shape == (5, 4, 4)
    assert (coarse > 0).all()
    with pytest.raises(ValueError, match="greater than or equal"):
        Downsample(factor=1)
