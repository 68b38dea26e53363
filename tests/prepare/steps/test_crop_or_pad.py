import numpy as np
import pytest
import torch
import torchio

from uad_bench.data.nifti.read import Volume
from uad_bench.errors import DataError
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.crop_or_pad import CropOrPad, crop_volume

AFFINE = np.array([[1.0, 0, 0, -9], [0, 2, 0, 4], [0, 0, 3, 11], [0, 0, 0, 1]])
IMAGE = np.random.default_rng(0).random((13, 10, 9)).astype(np.float32)


def case_volumes(**changes) -> CaseVolumes:
    brain = np.zeros(IMAGE.shape, bool)
    brain[2:11, 2:8, 2:7] = True
    return CaseVolumes("case-1", {"t2": Volume(IMAGE, AFFINE)}, Volume(brain, AFFINE), **changes)


@pytest.mark.parametrize("shape", [(8, 10, 12), (13, 15, 4), (6, 7, 8), (20, 5, 9)])
def test_as_torchio_does(shape):
    expected = torchio.CropOrPad(shape)(
        torchio.Subject(t2=torchio.ScalarImage(tensor=torch.from_numpy(IMAGE)[None], affine=AFFINE))
    )["t2"]
    image = CropOrPad(shape=shape).apply(case_volumes()).images["t2"]
    np.testing.assert_array_equal(image.array, expected.numpy()[0])
    np.testing.assert_allclose(image.affine, expected.affine, atol=1e-12)


def test_every_voxel_keeps_its_place_in_the_world():
    moved = crop_volume(Volume(IMAGE, AFFINE), (3, -2, 4), (5, 6, 7))
    value, place = IMAGE[5, 1, 6], AFFINE @ [5, 1, 6, 1]
    np.testing.assert_allclose(moved.affine @ [*np.argwhere(moved.array == value)[0], 1], place)
    assert not crop_volume(Volume(IMAGE, AFFINE), (50, 0, 0), (4, 4, 4)).array.any()


def test_lesions_outside_the_box_are_counted_on_top_of_those_lost_before(caplog):
    lesions = np.zeros(IMAGE.shape, bool)
    lesions[0, 4, 4] = lesions[6, 4, 4] = lesions[12, 4:6, 4] = True
    mask = Volume(lesions, AFFINE)
    result = CropOrPad(shape=(8, 10, 9)).apply(case_volumes(lesion_mask=mask, ignored=mask, lost=2))
    assert (int(result.lesion_mask.array.sum()), int(result.ignored.array.sum()), result.lost) == (1, 1, 5)
    assert result.figures["lesion_voxels_lost"] == 3
    assert result.figures["brain_kept"] == pytest.approx(8 / 9, abs=1e-4)
    assert "3 lesion voxels lie outside the box" in caplog.text
    assert result.figures["warnings"] == ["3 lesion voxels lie outside the box"]


def test_a_box_without_brain_and_volumes_on_several_grids_are_refused():
    brain = np.zeros(IMAGE.shape, bool)
    brain[0, 0, 0] = True
    with pytest.raises(DataError, match="the box contains no brain") as caught:
        CropOrPad(shape=(5, 5, 5)).apply(
            CaseVolumes("c", {"t2": Volume(IMAGE, AFFINE)}, Volume(brain, AFFINE))
        )
    assert caught.value.code == "UB331"
    other = Volume(IMAGE, AFFINE @ np.diag([1.1, 1, 1, 1]))
    with pytest.raises(DataError, match="do not share a grid") as caught:
        CropOrPad(shape=(5, 5, 5)).apply(CaseVolumes("c", {"t1": other}, Volume(IMAGE > 0.5, AFFINE)))
    assert caught.value.code == "UB328"
