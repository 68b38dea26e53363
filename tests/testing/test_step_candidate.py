"""Differences between two cases are named, and a slow step runs once for all checks."""

from dataclasses import replace

import numpy as np
import pytest

from uad_bench.data.nifti.read import Volume
from uad_bench.errors import DataError
from uad_bench.prepare.step import Step
from uad_bench.testing import NotChecked, StepCandidate, toy_volumes
from uad_bench.testing.step_candidate import differences, volumes


def test_a_case_does_not_differ_from_its_copy():
    candidate = StepCandidate("step", Step())
    assert differences(candidate.fresh_case(), candidate.case) == []
    assert candidate.fresh_case().images["t1"].array is not candidate.case.images["t1"].array


def test_differences_are_named():
    one = toy_volumes()
    image, brain = one.images["t1"], one.brain()
    other = replace(
        one,
        images={**one.images, "t1": Volume(image.array + 1, image.affine)},
        brain_mask=Volume(brain.array, brain.affine + 1),
        ignored=None,
        lost=2,
        to_atlas=2 * one.to_atlas,
    )
    assert differences(one, other) == ["brain_mask", "ignored", "t1", "to_atlas", "lost"]


def test_nan_equals_nan():
    one, other = toy_volumes(), toy_volumes()
    for case in (one, other):
        case.images["t1"].array[0, 0, 0] = np.nan
    assert differences(one, other) == []


def test_volumes_that_are_absent_are_left_out():
    assert [name for name, _ in volumes(toy_volumes(healthy=True))] == ["t1", "t2", "brain_mask"]


def test_a_step_that_fails_runs_once_and_is_not_checked_further():
    runs = []

    class Refuses(Step):
        def apply(self, case):
            runs.append(case)
            raise DataError("no")

    candidate = StepCandidate("refuses", Refuses())
    with pytest.raises(DataError, match="no"):
        _ = candidate.first_result
    with pytest.raises(NotChecked, match="depends on the promise `result`"):
        _ = candidate.reference
    assert len(runs) == 1
