from dataclasses import replace

import numpy as np
import pytest

from uad_bench.data.inspect.case import inspect_case
from uad_bench.data.nifti.lesions import check_declared_values, read_brain_mask, read_lesions, read_regions
from uad_bench.data.nifti.read import read_grid
from uad_bench.errors import DataError
from uad_bench.prepare.cache.prepared_case import prepare_case
from uad_bench.types import Case

CASE = Case("toy", "a", "a", {}, healthy=False)
STEPS = [{"step": "canonical"}, {"step": "brain_mask"}]


@pytest.mark.parametrize(
    ("lesion", "ignored", "expected"),
    [((), (), [1, 2, 4]), ((1, 4), (), [1, 4]), ((1,), (2,), [1]), ((), (2,), [1, 4])],
)
def test_ignored_values_are_no_lesion(write_nifti, lesion, ignored, expected):
    values = np.zeros((3, 3, 3), np.uint8)
    values[0, 0] = 1, 2, 4
    path = write_nifti("m.nii.gz", values)
    case = replace(CASE, lesion_labels=lesion, ignored_labels=ignored)
    grid = read_grid(path, "a")
    found = read_lesions(path, case, grid).array
    assert sorted(values[found]) == expected
    if ignored:
        assert sorted(values[read_regions(path, case, grid)[1].array]) == list(ignored)


@pytest.mark.parametrize(
    ("threshold", "values", "expected"),
    [
        (None, [0, 1, 3], [1, 3]),
        (100, [0, 1, 200], [1, 200]),
        (0.02, [0, 0.25, 0.75], [0.75]),
        (0.9, [0.25, 0.75, 1], [0.75, 1]),
    ],
)
def test_the_threshold_of_lesions_is_not_that_of_the_brain(write_nifti, threshold, values, expected):
    stored = np.zeros((3, 3, 3), np.float32)
    stored[0, 0] = values
    path = write_nifti("brain.nii.gz", stored)
    case = replace(CASE, mask_threshold=threshold)
    found = read_brain_mask(path, case, read_grid(path, "a")).array
    assert sorted(stored[found]) == expected


def test_a_case_with_ignored_values_alone_is_checked_and_prepared_without_them(
    toy_case, write_nifti, tmp_path
):
    labels = np.zeros((48, 52, 46), np.uint8)
    labels[30:34, 28:32, 18:22], labels[20:24, 20:24, 20:24] = 1, 2
    affine = np.eye(4)
    affine[:3, 3] = (-24, -26, -22)
    mask = write_nifti("labels.nii.gz", labels, affine)
    case = replace(toy_case(), lesion_mask=mask, ignored_labels=(2,))
    truth = prepare_case(case, ["t2"], STEPS, tmp_path / "cache").truth()
    assert (truth.lesion_mask.sum(), truth.ignored.sum()) == (64, 64)
    assert inspect_case(case).lesion_ml == pytest.approx(0.064)


@pytest.mark.parametrize(
    ("declared", "what"),
    [
        ({"lesion_labels": (1, 2), "ignored_labels": (2,)}, "both as lesion and as ignored: label 2"),
        ({"lesion_labels": (0, 1)}, "label 0, the background"),
        ({"ignored_labels": (0,)}, "label 0, the background"),
        ({"mask_threshold": 0.5, "ignored_labels": (2,)}, "labels or fractions"),
        ({"mask_threshold": 0.5, "lesion_labels": (1,)}, "labels or fractions"),
        ({"mask_threshold": -1.0}, "mask_threshold is -1"),
        ({"mask_threshold": float("nan")}, "mask_threshold is nan"),
    ],
)
def test_contradictions_are_an_error_of_check_and_preparation(toy_case, tmp_path, declared, what):
    case = replace(toy_case(), **declared)
    with pytest.raises(DataError, match=what) as caught:
        prepare_case(case, ["t2"], STEPS, tmp_path / "cache")
    assert caught.value.code == "UB342"
    assert any(what in finding.text for finding in inspect_case(case).findings)


def test_usual_declarations_are_sound():
    for declared in ({}, {"lesion_labels": (1,), "ignored_labels": (2,)}, {"mask_threshold": 0.0}):
        check_declared_values(replace(CASE, **declared))
