"""Checks of one case that read its files."""

import gzip
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.inspected_cases import SHAPE, ball, only, overwrite, truncate
from uad_bench.data.inspect import case as case_checks
from uad_bench.data.inspect.case import Checks, inspect_case
from uad_bench.data.inspect.report import as_lines
from uad_bench.data.inspect.survey import survey


def test_an_intact_case_has_measurements_and_no_finding(make):
    found = inspect_case(make())
    assert not found.findings
    assert found.lesion_ml == pytest.approx(ball(2).sum() / 1000)
    assert found.brain_share == pytest.approx(ball().mean())
    assert set(found.voxels) == {"t2"}


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)


DAMAGE = {
    "F01 empty": (lambda path: overwrite(path, b""), 3, "missing, empty"),
    "F02 cut": (truncate, 3, "damaged or truncated"),
    "F04 flipped": (flip, 3, "damaged or truncated"),
    "F05 web page": (lambda path: overwrite(path, b"<html>"), 3, "not NIfTI"),
    "F09 bomb": (lambda path: overwrite(path, gzip.compress(gzip.decompress(path.read_bytes()) + bytes(8 << 20))), 5,
                 "longer than their header declares"),
    "missing": (lambda path: path.unlink(), 3, "missing, empty"),
}  # fmt: skip


@pytest.mark.parametrize("file", ["t2", "lesion_mask", "brain_mask"])
@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_files_are_found_by_image_and_mask(make, name, file):
    damage, exit_code, kind = DAMAGE[name]
    case = make(image=np.random.default_rng(0).integers(1, 9, SHAPE) * ball())
    path = case.images["t2"] if file == "t2" else getattr(case, file)
    damage(path)
    finding = only(case)
    assert (finding.exit_code, kind in finding.kind, path.name in finding.text) == (exit_code, True, True)


def test_f12_constant_images(make):
    assert "contrast" in only(make(image=np.full(SHAPE, 7.0))).kind


@pytest.mark.parametrize(("shift", "is_error"), [(0.4, False), (0.7, True)])
@pytest.mark.parametrize("checks", [Checks(), Checks(quick=True)])
def test_f16_a_mask_half_a_voxel_off_is_a_warning_and_f17_more_an_error(
    make, write_nifti, shift, is_error, checks
):
    moved = np.eye(4)
    moved[0, 3] = shift
    case = make()
    lesion = write_nifti("moved.nii.gz", ball(2).astype(np.uint8), moved)
    assert only(replace(case, lesion_mask=lesion), checks).is_error == is_error


def test_f15_a_mask_of_another_shape(make, write_nifti):
    lesion = write_nifti("small.nii.gz", np.ones((3, 3, 3), np.uint8))
    finding = only(make(lesion_mask=lesion))
    assert finding.is_error and "20x22x18" in finding.text and "3x3x3" in finding.text


@pytest.mark.parametrize("quick", [True, False])
def test_a_lesion_mask_lies_on_any_image_of_the_case_as_in_preparation(make, write_nifti, quick):
    """FCD-Bonn: a mask on the grid of FLAIR, a protocol of T1 and FLAIR, and T1 has a grid of its own."""
    t1 = write_nifti("t1.nii.gz", np.pad(ball().astype(np.float32), 4) * np.linspace(50, 60, SHAPE[2] + 8))
    case = make()
    case = replace(case, images={"t1": t1, **case.images})
    for checks in (Checks(quick=quick), Checks(("t1",), quick=quick), Checks(("t1", "t2"), quick=quick)):
        assert not inspect_case(case, checks).findings
    lesion = write_nifti("other.nii.gz", np.ones((3, 3, 3), np.uint8))
    assert "on another grid" in only(replace(case, lesion_mask=lesion), Checks(("t1",), quick=quick)).text


def test_the_lesion_mask_is_read_by_the_transform_that_is_set(make):
    case = replace(make(), orientation="qform")
    image = nib.load(case.lesion_mask)
    image.set_qform(image.affine, code=1)
    image.set_sform(np.zeros((4, 4)), code=1)
    nib.save(image, case.lesion_mask)
    found = inspect_case(case)
    assert not [one for one in found.findings if one.is_error] and found.lesion_ml == pytest.approx(
        ball(2).sum() / 1000
    )


def test_f23_fractions_are_an_error_without_a_threshold(make):
    case = make(lesion=ball(2).astype(np.float32) * 0.999)
    assert "not integers" in only(case).text
    assert not inspect_case(replace(case, mask_threshold=0.5)).findings


def test_a_lesion_case_without_mask_is_an_error(make):
    assert "no lesion mask" in only(make(lesion=None)).text


def test_f27_cases_without_a_modality_of_the_protocol(make):
    finding = only(make(), Checks(("t2", "flair")))
    assert finding.exit_code == 3 and "no flair" in finding.text


def test_quick_reads_headers_only(make):
    case = make(image=np.ones(SHAPE))  # constant: only the voxels would tell
    found = inspect_case(case, Checks(quick=True))
    assert not found.findings and found.lesion_ml is None
    assert "headers only" in "\n".join(as_lines(survey([case], checks=Checks(quick=True))))


def test_any_exception_of_a_library_is_a_finding(make, monkeypatch):
    def explode(*_):
        raise ZeroDivisionError("unexpected")

    monkeypatch.setattr(case_checks, "read_volume", explode)
    errors = [finding for finding in inspect_case(make()).findings if finding.is_error]
    assert "ZeroDivisionError: unexpected" in errors[0].text
