"""Scores and intensities that 32-bit floats cannot tell apart are an error and not a wrong number."""

import numpy as np
import pytest

from uad_bench import api
from uad_bench.data.nifti.precision import check_float32
from uad_bench.data.nifti.read import read_file
from uad_bench.errors import DataError, UsageError

RNG = np.random.default_rng(0)
SCORES = RNG.random((12, 12, 12))
LESIONS = np.quantile(SCORES, 0.9) < SCORES
LOST = [SCORES + 1e9, SCORES * 1e-50, SCORES * 1e300, (SCORES * 1000).astype(np.int64) + 2**60]


@pytest.mark.parametrize("values", LOST, ids=["offset", "underflow", "overflow", "int64"])
def test_lost_differences_are_an_error_in_files_and_arrays(values, write_nifti):
    ways = [
        lambda: check_float32(values, "a map"),
        lambda: api.evaluate(values, LESIONS, np.ones_like(LESIONS)),
    ]
    if values.dtype != np.int64:  # which nibabel does not write
        ways.append(lambda: read_file(write_nifti("map.nii.gz", values), "a map", None))
    for refused in ways:
        with pytest.raises(DataError, match="32-bit floats tell") as caught:
            refused()
        assert caught.value.code == "UB327"


@pytest.mark.parametrize("values", [SCORES, SCORES - 0.5, SCORES * 1e6, (SCORES * 1000).astype(np.int32),
                                    LESIONS.astype(np.int32), np.full((3, 3, 3), 7.0)])  # fmt: skip
def test_other_wide_values_are_read_as_before(values, write_nifti):
    array, _ = read_file(write_nifti("map.nii.gz", values), "a map", None)
    np.testing.assert_array_equal(array, values.astype(np.float32))


def test_maps_and_masks_that_are_no_numbers_are_refused():
    brain = np.ones_like(LESIONS)
    with pytest.raises(DataError, match="values of type complex128"):
        api.evaluate(SCORES + 1j, LESIONS, brain)
    with pytest.raises(DataError, match="a mask contains NaN"):
        api.evaluate(SCORES, np.where(LESIONS, np.nan, 0), brain)
    for spacing in ((0, 1, 1), (1, 1), (np.nan, 1, 1)):
        with pytest.raises(UsageError, match="three positive lengths"):
            api.evaluate(SCORES, LESIONS, brain, spacing=spacing)
    with pytest.raises(UsageError, match="no map is given"):
        api.evaluate([], [], [])
