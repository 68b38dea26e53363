import numpy as np

from uad_bench.prepare.example import example_case


def test_the_example_has_a_lesion_inside_a_brain_around_the_origin():
    case = example_case()
    image, brain, lesion = case.images["t2"], case.brain().array, case.lesion_mask.array
    assert not (lesion & ~brain).any() and not image.array[~brain].any()
    assert set(image.array[lesion]) == {200} and image.array[brain & ~lesion].max() == 119
    middle = image.affine @ [*np.argwhere(brain).mean(axis=0), 1]
    np.testing.assert_allclose(middle[:3], 0)
