from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from uad_bench.data.nifti.read import Volume
from uad_bench.errors import DataError, UsageError
from uad_bench.prepare.example import example_case
from uad_bench.prepare.step import CaseVolumes, Step


class Shift(Step):
    voxels: int = 1


def test_parameters_are_checked_and_cannot_be_changed():
    with pytest.raises(ValidationError):
        Shift(voxel=1)
    with pytest.raises(ValidationError):
        Shift().voxels = 2


def test_a_step_learns_nothing_unless_it_says_so():
    assert (Shift().needs_fit, Shift().is_fitted) == (False, False)
    with pytest.raises(NotImplementedError):
        Shift().fitted([])


def test_the_brain_mask_is_required_with_a_hint():
    with pytest.raises(UsageError, match=r"\(example\): put the step 'brain_mask' first"):
        replace(example_case(), brain_mask=None).brain()


def test_transformed_applies_to_all_images_and_existing_masks():
    case = example_case()
    after = case.transformed(
        lambda image: Volume(image.array + 1, image.affine),
        lambda mask: Volume(~mask.array, mask.affine),
        lost=3,
    )
    np.testing.assert_array_equal(after.images["t2"].array, case.images["t2"].array + 1)
    np.testing.assert_array_equal(after.brain().array, ~case.brain().array)
    np.testing.assert_array_equal(after.lesion_mask.array, ~case.lesion_mask.array)
    assert (after.ignored, after.lost, after.case_id) == (None, 3, "example")


def test_an_error_names_the_case():
    error = CaseVolumes("c", {}).error("no brain", "check it", "UB331")
    assert isinstance(error, DataError)
    assert (error.where, error.code) == ("c", "UB331")
