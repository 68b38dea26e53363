import numpy as np
import pytest
import torch
from torchio import RescaleIntensity, ScalarImage, Subject

from uad_bench.data.nifti.read import Volume
from uad_bench.errors import DataError
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.scale import Scale

BRAIN = np.zeros((12, 12, 12), bool)
BRAIN[2:10, 2:10, 2:10] = True
IMAGE = np.random.default_rng(0).normal(50, 20, BRAIN.shape).astype(np.float32)


def scaled(image: np.ndarray = IMAGE, **changes) -> np.ndarray:
    case_volumes = CaseVolumes("case-1", {"t2": Volume(image, np.eye(4))}, Volume(BRAIN, np.eye(4)))
    return Scale(**changes).apply(case_volumes).images["t2"].array


def test_as_torchio_does_inside_the_brain():
    oracle = RescaleIntensity(
        (0, 1), percentiles=(1, 99), masking_method=lambda _: torch.from_numpy(BRAIN)[None]
    )
    expected = oracle(Subject(t2=ScalarImage(tensor=torch.from_numpy(IMAGE)[None])))["t2"].numpy()[0]
    np.testing.assert_allclose(scaled()[BRAIN], expected[BRAIN], atol=1e-5)


def test_range_and_background():
    array = scaled()
    assert (array.dtype, array.min(), array.max()) == (np.float32, 0, 1)
    assert not array[~BRAIN].any()
    assert np.percentile(array[BRAIN], 50) == pytest.approx(0.5, abs=0.05)


def test_without_clip_only_low_values_are_clipped():
    array = scaled(clip=False)
    assert array.max() > 1
    assert array.min() == 0
    np.testing.assert_array_equal(np.minimum(array, 1), scaled())


def test_voxels_outside_the_brain_do_not_matter():
    image = IMAGE.copy()
    image[~BRAIN] = 1e6
    np.testing.assert_array_equal(scaled(image), scaled())


def test_no_contrast_and_percentiles_in_the_wrong_order():
    with pytest.raises(DataError, match=r"no contrast inside the brain in t2 \(case-1\)"):
        scaled(np.ones_like(IMAGE))
    with pytest.raises(ValueError, match="below"):
        Scale(percentiles=(50, 50))
