"""Checks of voxels: NaN and Inf, brain size, lesions, values of masks."""

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.inspected_cases import SHAPE, ball, only
from uad_bench.data.inspect.case import Checks, inspect_case


def test_f10_nan_inside_the_brain_is_an_error_and_f11_outside_a_warning(make):
    image = np.where(ball(), 50.0, 0) + np.indices(SHAPE)[0]
    image[0, 0, :3] = np.nan
    finding = only(make(image=image))
    assert not finding.is_error and "3 NaN" in finding.text and "outside" in finding.kind
    image[10, 11, 9:11] = np.inf
    case = make(image=image)
    inside, outside = inspect_case(case).findings
    assert inside.exit_code == 3 and "2 NaN or Inf voxels inside the brain" in inside.text
    assert not outside.is_error and "3 NaN" in outside.text
    assert not inspect_case(replace(case, brain_mask=None)).findings[0].is_error


def test_f10_a_brain_mask_on_another_grid_is_applied_by_world_coordinates(make, write_nifti):
    image = np.where(ball(), 50.0, 0) + np.indices(SHAPE)[0]
    image[10, 11, 9] = np.nan
    case = make(image=image)
    coarse = write_nifti("t1.nii.gz", np.indices((10, 11, 9))[0].astype(np.float32), np.diag([2.0, 2, 2, 1]))
    mask = write_nifti("b.nii.gz", ball()[::2, ::2, ::2].astype(np.uint8), np.diag([2.0, 2, 2, 1]))
    finding = only(replace(case, images={**case.images, "t1": coarse}, brain_mask=mask))
    assert finding.exit_code == 3 and "1 NaN" in finding.text and "a1, t2" in finding.text


@pytest.mark.parametrize(("brain", "share"), [(ball(2.5), 0.02), (np.ones(SHAPE, bool), 0.9)])
def test_f14_a_brain_of_unusual_size_is_a_warning_and_with_strict_an_error(make, brain, share):
    case = make(brain=brain.astype(np.uint8), lesion=ball(1).astype(np.uint8))
    warning, error = only(case), only(case, Checks(strict=True))
    assert (warning.is_error, error.exit_code) == (False, 3)
    assert f"{brain.mean():.1%}" in warning.text and (brain.mean() < share) == (share == 0.02)


def test_f13_an_empty_brain_mask_is_an_error(make):
    assert "the brain mask is empty" in only(make(brain=np.zeros(SHAPE, np.uint8))).text


def test_f23_values_that_the_dataset_does_not_declare(make):
    lesion = ball(2).astype(np.int16)
    lesion[10, 11, 9] = 7
    assert "7 count" in only(make(lesion=lesion, lesion_labels=(1,))).text
    assert not inspect_case(make(lesion=lesion, lesion_labels=(1,), ignored_labels=(7,))).findings
    assert not inspect_case(make(lesion=lesion)).findings
    lesion[10, 11, 10] = -1
    assert "-1 count" in only(make(lesion=lesion)).text


def test_f23_a_parcellation_is_not_a_lesion_mask(make):
    assert "parcellation" in only(make(lesion=(ball(2) * np.indices(SHAPE)[0]).astype(np.uint8))).text


def test_f24_an_empty_lesion_mask_is_a_warning_for_a_lesion_case_only(make):
    case = make(lesion=np.zeros(SHAPE, np.uint8))
    assert "empty" in only(case).kind and not only(case).is_error
    assert not inspect_case(replace(case, healthy=True)).findings


def test_a_healthy_case_with_lesions_is_an_error(make):
    assert only(make(healthy=True)).exit_code == 3


def test_f25_a_lesion_that_is_the_whole_brain(make):
    finding = only(make(lesion=ball().astype(np.uint8)))
    assert finding.is_error and "the lesions fill 100% of the brain" in finding.text


def test_f26_lesion_voxels_outside_the_brain_are_counted(make):
    lesion = ball(2, (10, 11, 9))
    lesion[0, 0, :5] = True
    finding = only(make(lesion=lesion.astype(np.uint8)))
    assert not finding.is_error and f"5 of {lesion.sum()} lesion voxels" in finding.text


@pytest.mark.parametrize(("shift", "apart"), [(0, False), (15, False), (25, True)])
@pytest.mark.parametrize("quick", [True, False])
def test_images_that_lie_apart_in_the_world_are_a_warning(make, write_nifti, shift, apart, quick):
    affine = np.eye(4)
    affine[1, 3] = shift
    other = write_nifti("t1.nii.gz", ball().astype(np.float32) * np.indices(SHAPE)[0] + 1, affine)
    case = make()
    found = inspect_case(replace(case, images={**case.images, "t1": other}), Checks(quick=quick)).findings
    texts = [finding.text for finding in found if finding.kind == "images of a case that lie apart"]
    assert len(texts) == apart and all("t2 and t1 do not overlap" in text for text in texts)


@pytest.mark.parametrize(("shift", "text"), [(9, "lesion voxels; they count as missed"), (40, "none of 33")])
def test_a_mask_on_a_grid_of_its_own_must_lie_in_the_image(make, write_nifti, shift, text):
    affine = np.eye(4)
    affine[0, 3] = shift
    mask = write_nifti("far.nii.gz", ball(2).astype(np.uint8), affine)
    case = replace(make(brain=None), lesion_mask=mask, allow_other_mask_grid=True)
    finding = only(case)
    assert text in finding.text and finding.exit_code == (3 if shift == 40 else 0)
    affine[0, 3] = 3
    mask = write_nifti("near.nii.gz", ball(2).astype(np.uint8), affine)
    assert not inspect_case(replace(case, lesion_mask=mask)).findings
