import numpy as np

from uad_bench.data.nifti.read import Volume
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.cut import Cut

AFFINE = np.array([[0.9, 0.1, 0, -9], [-0.1, 0.9, 0, 4], [0, 0, 3, 11], [0, 0, 0, 1]])


def test_the_box_of_the_brain_with_its_last_planes_and_its_place():
    image = np.random.default_rng(0).random((12, 13, 14)).astype(np.float32)
    brain = np.zeros(image.shape, bool)
    brain[3:9, 5:7, 2:13] = True
    brain[3, 5, 2] = False
    case_volumes = Cut().apply(CaseVolumes("c", {"t2": Volume(image, AFFINE)}, Volume(brain, AFFINE)))
    np.testing.assert_array_equal(case_volumes.images["t2"].array, image[3:9, 5:7, 2:13])
    assert case_volumes.brain_mask.array.sum() == brain.sum()
    np.testing.assert_allclose(case_volumes.images["t2"].affine @ [0, 0, 0, 1], AFFINE @ [3, 5, 2, 1])
    assert case_volumes.figures["brain_kept"] == 1


def test_a_lesion_at_the_rim_outside_the_brain_mask_is_counted_where_the_box_leaves_it_out():
    brain, lesions = np.zeros((2, 12, 12, 12), bool)
    brain[3:9, 3:9, 3:9] = True
    lesions[7:11, 5, 5] = True
    volume = Volume(np.ones(brain.shape, np.float32), AFFINE)
    case_volumes = Cut().apply(
        CaseVolumes("c", {"t2": volume}, Volume(brain, AFFINE), Volume(lesions, AFFINE))
    )
    assert (int(case_volumes.lesion_mask.array.sum()), case_volumes.lost) == (2, 2)
