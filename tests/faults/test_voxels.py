"""F10 to F14: voxels that are not finite, images without contrast, invalid brain masks.

Tested elsewhere: F10 with a brain mask on another grid, tests/data/inspect/test_voxel_checks.py; F14 of stripped scans,
tests/data/inspect/test_brain_region.py.
"""

import json

import numpy as np
import pytest

from tests.helpers.workspace import PROTOCOL

CENTRE = (slice(11, 13), 14, 10)
CORNER = (0, 0, slice(0, 3))


def put(workspace, value, *places):
    """Set some voxels of h01 to `value`."""

    def change(array):
        array = array.astype(np.float32)
        for place in places:
            array[place] = value
        return array

    workspace.edit(workspace.file("h01"), change)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_f10_nan_or_inf_inside_the_brain(workspace, value):
    put(workspace, value, CENTRE)
    workspace.refuses("h01", "UB326", "2 NaN or Inf voxels inside the brain", "h01, t2")


ZERO = "protocol.prepare=[{step: canonical}, {step: brain_mask, nonfinite: zero}, {step: resample}]"


def test_f10_a_protocol_may_set_nan_inside_the_brain_to_zero_and_that_is_recorded(workspace):
    workspace.keep("h00", "h01")
    put(workspace, 0, CENTRE)
    assert workspace.prepare("--set", ZERO).code == 0
    zeros = workspace.prepared("h01")
    put(workspace, np.nan, CENTRE)
    workspace.forget()
    answer = workspace.prepare("--set", ZERO)
    assert answer.code == 0
    assert "h01: 2 NaN or Inf voxels of t2 set to 0" in answer.err
    for name, array in workspace.prepared("h01").items():
        np.testing.assert_array_equal(array, zeros[name])
    steps = json.loads((workspace.entry("h01") / "record.json").read_text())["steps"]
    assert steps[1]["nonfinite"] == "zero"
    assert "2 NaN or Inf voxels of t2 set to 0" in steps[1]["figures"]["warnings"]
    answer = workspace.check("--protocol", PROTOCOL, "--set", ZERO)
    assert answer.code == 0
    assert "h01: t2 contains 2 NaN or Inf voxels; the protocol sets them to 0" in answer.out


def test_f11_nan_outside_the_brain_is_set_to_zero_and_counted(workspace):
    workspace.keep("h00", "h01")
    put(workspace, 0, CORNER)
    workspace.prepare()
    zeros = workspace.prepared("h01")
    put(workspace, np.nan, CORNER)
    workspace.forget()
    answer = workspace.prepare()
    assert answer.code == 0
    assert "h01, t2: 3 NaN or Inf voxels outside the brain set to 0" in answer.err
    for name, array in workspace.prepared("h01").items():
        assert np.isfinite(array).all()
        np.testing.assert_array_equal(array, zeros[name])
    answer = workspace.check()
    assert answer.code == 0
    assert "h01: t2 contains 3 NaN or Inf voxels outside the brain; they are set to 0" in answer.out


def test_f12_an_image_without_contrast(workspace):
    workspace.edit(workspace.file("h01"), lambda array: np.full_like(array, 7))
    workspace.refuses("h01", "UB327", "no contrast", "h01_t2.nii.gz")


def test_f13_an_empty_brain_mask(workspace):
    workspace.edit(workspace.file("h01", "brain_mask"), np.zeros_like)
    workspace.refuses("h01", "UB331", "the brain mask is empty", "h01_brain.nii.gz")


@pytest.mark.parametrize(
    ("part", "mm", "share"),
    [((slice(8, 14), slice(8, 14), slice(8, 14)), 10, "1.6%"), ((), 5, "100.0%")],
)
def test_f14_a_brain_of_unusual_size_is_a_warning_and_with_strict_an_error(workspace, part, mm, share):
    """Preparation refuses such a mask even without strict, because no protocol could use it."""
    small = np.zeros((24, 28, 20), np.uint8)
    small[part] = 1
    affine = np.diag([mm, mm, mm, 1.0])
    workspace.edit(workspace.file("h01", "brain_mask"), lambda _: small, affine)
    workspace.edit(workspace.file("h01"), lambda array: array, affine)
    answer = workspace.check()
    assert answer.code == 0
    assert f"h01: the brain fills {share} of the box" in answer.out
    answer = workspace.check("--strict")
    assert answer.code == 3
    assert f"the brain fills {share} of the box (h01, data/h01_brain.nii.gz)" in answer.out
    answer = workspace.prepare()
    assert answer.code == 7
    assert [f"fills {share} of the box" in line for line in answer.listed] == [True]
    assert "h01" not in workspace.entries()
