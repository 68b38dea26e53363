"""F10 to F14: voxels that are no numbers, images without contrast, brain masks that cannot be.

Met elsewhere: F10 with a brain mask on another grid, F14 of stripped scans, tests/data/inspect/test_case.py.
"""

import json

import numpy as np
import pytest

from tests.helpers.desk import PROTOCOL

CENTRE = (slice(11, 13), 14, 10)
CORNER = (0, 0, slice(0, 3))


def put(desk, value, *places):
    """Some voxels of h01 are `value`."""

    def change(array):
        array = array.astype(np.float32)
        for place in places:
            array[place] = value
        return array

    desk.edit(desk.file("h01"), change)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_f10_nan_or_inf_inside_the_brain(desk, value):
    put(desk, value, CENTRE)
    desk.refuses("h01", "UB326", "2 NaN or Inf voxels inside the brain", "h01, t2")


ZERO = "protocol.prepare=[{step: canonical}, {step: brain_mask, nonfinite: zero}, {step: resample}]"


def test_f10_a_protocol_may_set_nan_inside_the_brain_to_zero_and_that_is_recorded(desk):
    desk.keep("h00", "h01")
    put(desk, 0, CENTRE)
    assert desk.prepare("--set", ZERO).code == 0
    zeros = desk.prepared("h01")
    put(desk, np.nan, CENTRE)
    desk.forget()
    told = desk.prepare("--set", ZERO)
    assert told.code == 0
    assert "h01: 2 NaN or Inf voxels of t2 set to 0" in told.err
    for name, array in desk.prepared("h01").items():
        np.testing.assert_array_equal(array, zeros[name])
    steps = json.loads((desk.entry("h01") / "record.json").read_text())["steps"]
    assert steps[1]["nonfinite"] == "zero"
    assert "2 NaN or Inf voxels of t2 set to 0" in steps[1]["figures"]["warnings"]
    told = desk.check("--protocol", PROTOCOL, "--set", ZERO)
    assert told.code == 0
    assert "h01: t2 contains 2 NaN or Inf voxels; the protocol sets them to 0" in told.out


def test_f11_nan_outside_the_brain_is_set_to_zero_and_counted(desk):
    desk.keep("h00", "h01")
    put(desk, 0, CORNER)
    desk.prepare()
    zeros = desk.prepared("h01")
    put(desk, np.nan, CORNER)
    desk.forget()
    told = desk.prepare()
    assert told.code == 0
    assert "h01, t2: 3 NaN or Inf voxels outside the brain set to 0" in told.err
    for name, array in desk.prepared("h01").items():
        assert np.isfinite(array).all()
        np.testing.assert_array_equal(array, zeros[name])
    told = desk.check()
    assert told.code == 0
    assert "h01: t2 contains 3 NaN or Inf voxels outside the brain; they are set to 0" in told.out


def test_f12_an_image_without_contrast(desk):
    desk.edit(desk.file("h01"), lambda array: np.full_like(array, 7))
    desk.refuses("h01", "UB327", "no contrast", "h01_t2.nii.gz")


def test_f13_an_empty_brain_mask(desk):
    desk.edit(desk.file("h01", "brain_mask"), np.zeros_like)
    desk.refuses("h01", "UB331", "the brain mask is empty", "h01_brain.nii.gz")


@pytest.mark.parametrize(
    ("part", "mm", "share"),
    [((slice(8, 14), slice(8, 14), slice(8, 14)), 10, "1.6%"), ((), 5, "100.0%")],
)
def test_f14_a_brain_of_an_odd_share_is_told_and_refused_under_strict(desk, part, mm, share):
    """Preparation is strict, as no protocol of ours could go on from such a mask."""
    small = np.zeros((24, 28, 20), np.uint8)
    small[part] = 1
    affine = np.diag([mm, mm, mm, 1.0])
    desk.edit(desk.file("h01", "brain_mask"), lambda _: small, affine)
    desk.edit(desk.file("h01"), lambda array: array, affine)
    told = desk.check()
    assert told.code == 0
    assert f"h01: the brain fills {share} of the box" in told.out
    told = desk.check("--strict")
    assert told.code == 3
    assert f"the brain fills {share} of the box (h01, data/h01_brain.nii.gz)" in told.out
    told = desk.prepare()
    assert told.code == 7
    assert [f"fills {share} of the box" in line for line in told.listed] == [True]
    assert "h01" not in desk.entries()
