"""One report of everything wrong: each fault is found, and none hides another."""

import gzip
import logging
from dataclasses import replace

import numpy as np
import pytest

from uad_bench.data.inspect.case import DEFAULT_CHECKS, Checks, inspect_case
from uad_bench.data.inspect.findings import Finding
from uad_bench.data.inspect.report import as_lines
from uad_bench.data.inspect.survey import survey
from uad_bench.data.nifti import validation
from uad_bench.data.nifti.voxel_digest import voxel_digest
from uad_bench.types import Case

SHAPE = (20, 22, 18)
SHIFT = np.eye(4)
WIDE = np.diag([6.0, 6.0, 6.0, 1.0])  # the ball holds 310 ml


@pytest.fixture(autouse=True)
def small_brains(monkeypatch):
    """A ball of 1.4 ml passes for a brain, so that voxels may be of 1 mm."""
    monkeypatch.setattr(validation, "BRAIN_ML", (0.0, 2500.0))


def ball(radius=7.0, centre=(10, 11, 9)):
    places = np.indices(SHAPE).reshape(3, *SHAPE)
    return ((places - np.reshape(centre, (3, 1, 1, 1))) ** 2).sum(0) <= radius**2


@pytest.fixture
def make(write_nifti):
    """make(case_id, image=..., lesion=..., brain=...) -> a case with a lesion; None leaves a mask out."""

    def make(case_id="a1", seed=0, affine=SHIFT, **given):
        values = np.random.default_rng([seed, len(case_id), *case_id.encode()]).uniform(50, 100, SHAPE)
        arrays = {
            "image": values * ball(),
            "lesion": ball(2).astype(np.uint8),
            "brain": ball().astype(np.uint8),
        }
        arrays |= {key: given.pop(key) for key in arrays if key in given}
        arrays["image"] = np.asarray(arrays["image"], dtype=np.float32)
        files = {
            key: write_nifti(f"{case_id}_{key}.nii.gz", array, affine)
            for key, array in arrays.items()
            if array is not None
        }
        case = Case("toy", case_id, case_id, {"t2": files["image"]}, healthy=False,
                    lesion_mask=files.get("lesion"), brain_mask=files.get("brain"))  # fmt: skip
        return replace(case, **given)

    return make


def only(case, checks=DEFAULT_CHECKS) -> Finding:
    """The one finding of a case."""
    (finding,) = inspect_case(case, checks).findings
    assert case.case_id in finding.text and "\n" not in finding.text
    return finding


def test_a_sound_case_has_figures_and_no_finding(make):
    found = inspect_case(make())
    assert not found.findings
    assert found.lesion_ml == pytest.approx(ball(2).sum() / 1000)
    assert found.brain_share == pytest.approx(ball().mean())
    assert set(found.voxels) == {"t2"}


def overwrite(path, content):
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)


DAMAGE = {
    "F01 empty": (lambda path: overwrite(path, b""), 3, "missing, empty"),
    "F02 cut": (cut, 3, "damaged or truncated"),
    "F04 flipped": (flip, 3, "damaged or truncated"),
    "F05 web page": (lambda path: overwrite(path, b"<html>"), 3, "not NIfTI"),
    "F09 bomb": (lambda path: overwrite(path, gzip.compress(gzip.decompress(path.read_bytes()) + bytes(8 << 20))), 5,
                 "longer than their header declares"),
    "missing": (lambda path: path.unlink(), 3, "missing, empty"),
}  # fmt: skip


@pytest.mark.parametrize("file", ["t2", "lesion_mask", "brain_mask"])
@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_files_are_found_each_at_its_place(make, name, file):
    damage, exit_code, kind = DAMAGE[name]
    case = make(image=np.random.default_rng(0).integers(1, 9, SHAPE) * ball())
    path = case.images["t2"] if file == "t2" else getattr(case, file)
    damage(path)
    finding = only(case)
    assert (finding.exit_code, kind in finding.kind, path.name in finding.text) == (exit_code, True, True)


def test_f10_nan_inside_the_brain_is_an_error_f11_outside_a_warning(make):
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


def test_f10_a_brain_mask_on_another_grid_judges_by_the_world(make, write_nifti):
    image = np.where(ball(), 50.0, 0) + np.indices(SHAPE)[0]
    image[10, 11, 9] = np.nan
    case = make(image=image)
    coarse = write_nifti("t1.nii.gz", np.indices((10, 11, 9))[0].astype(np.float32), np.diag([2.0, 2, 2, 1]))
    mask = write_nifti("b.nii.gz", ball()[::2, ::2, ::2].astype(np.uint8), np.diag([2.0, 2, 2, 1]))
    finding = only(replace(case, images={**case.images, "t1": coarse}, brain_mask=mask))
    assert finding.exit_code == 3 and "1 NaN" in finding.text and "a1, t2" in finding.text


def test_f12_constant_images(make):
    assert "contrast" in only(make(image=np.full(SHAPE, 7.0))).kind


@pytest.mark.parametrize(("brain", "share"), [(ball(2.5), 0.02), (np.ones(SHAPE, bool), 0.9)])
def test_f14_a_brain_of_an_odd_size_is_a_warning_and_an_error_under_strict(make, brain, share):
    case = make(brain=brain.astype(np.uint8), lesion=ball(1).astype(np.uint8))
    warning, error = only(case), only(case, Checks(strict=True))
    assert (warning.is_error, error.exit_code) == (False, 3)
    assert f"{brain.mean():.1%}" in warning.text and (brain.mean() < share) == (share == 0.02)


def test_f13_an_empty_brain_mask_is_an_error(make):
    assert "the brain mask is empty" in only(make(brain=np.zeros(SHAPE, np.uint8))).text


def test_f14_of_a_stripped_scan_the_voxels_with_data_count(make):
    assert inspect_case(make(brain=None, stripped=True)).brain_share == pytest.approx(ball().mean())
    assert inspect_case(make(brain=None, stripped=False)).brain_share is None


@pytest.mark.parametrize(("shift", "is_error"), [(0.4, False), (0.7, True)])
@pytest.mark.parametrize("checks", [Checks(), Checks(quick=True)])
def test_f16_half_a_voxel_beside_is_a_remark_f17_more_an_error(make, write_nifti, shift, is_error, checks):
    moved = np.eye(4)
    moved[0, 3] = shift
    case = make()
    lesion = write_nifti("moved.nii.gz", ball(2).astype(np.uint8), moved)
    assert only(replace(case, lesion_mask=lesion), checks).is_error == is_error


def test_f15_a_mask_of_another_shape(make, write_nifti):
    lesion = write_nifti("small.nii.gz", np.ones((3, 3, 3), np.uint8))
    finding = only(make(lesion_mask=lesion))
    assert finding.is_error and "20x22x18" in finding.text and "3x3x3" in finding.text


def test_a_lesion_mask_belongs_to_the_first_modality_of_the_protocol(make, write_nifti):
    t1 = write_nifti("t1.nii.gz", np.indices((9, 9, 9))[0].astype(np.float32))
    case = make()
    case = replace(case, images={"t1": t1, **case.images})
    assert not inspect_case(case).findings
    assert only(case, Checks(("t1",))).is_error


def test_f23_fractions_are_an_error_unless_the_dataset_cuts_them(make):
    case = make(lesion=ball(2).astype(np.float32) * 0.999)
    assert "not integers" in only(case).text
    assert not inspect_case(replace(case, mask_threshold=0.5)).findings


def test_f23_values_that_the_dataset_does_not_know(make):
    lesion = ball(2).astype(np.int16)
    lesion[10, 11, 9] = 7
    assert "7 count" in only(make(lesion=lesion, lesion_labels=(1,))).text
    assert not inspect_case(make(lesion=lesion, lesion_labels=(1,), ignored_labels=(7,))).findings
    assert not inspect_case(make(lesion=lesion)).findings
    lesion[10, 11, 10] = -1
    assert "-1 count" in only(make(lesion=lesion)).text


def test_f23_a_parcellation_is_not_a_lesion_mask(make):
    assert "parcellation" in only(make(lesion=(ball(2) * np.indices(SHAPE)[0]).astype(np.uint8))).text


def test_f24_an_empty_lesion_mask_is_a_warning_in_a_lesion_set_only(make):
    case = make(lesion=np.zeros(SHAPE, np.uint8))
    assert "empty" in only(case).kind and not only(case).is_error
    assert not inspect_case(replace(case, healthy=True)).findings


def test_a_healthy_case_with_lesions_is_an_error(make):
    assert only(make(healthy=True)).exit_code == 3


def test_a_lesion_case_without_mask_is_an_error(make):
    assert "no lesion mask" in only(make(lesion=None)).text


def test_f25_a_lesion_that_is_the_whole_brain(make):
    finding = only(make(lesion=ball().astype(np.uint8)))
    assert finding.is_error and "the lesions fill 100% of the brain" in finding.text


def test_f26_lesion_voxels_outside_the_brain_are_counted(make):
    lesion = ball(2, (10, 11, 9))
    lesion[0, 0, :5] = True
    finding = only(make(lesion=lesion.astype(np.uint8)))
    assert not finding.is_error and f"5 of {lesion.sum()} lesion voxels" in finding.text


def test_f26_holes_of_a_stripped_brain_are_brain(make):
    image = np.where(ball() & ~ball(2), 1.0 + np.indices(SHAPE)[0], 0)
    assert not inspect_case(make(image=image, brain=None, stripped=True)).findings


def test_f27_cases_without_a_modality_of_the_protocol(make):
    finding = only(make(), Checks(("t2", "flair")))
    assert finding.exit_code == 3 and "no flair" in finding.text


def texts(found, kind):
    return [finding.text for finding in found.overall if kind in finding.kind]


def test_f28_ids_met_twice_and_subjects_with_several_cases(make):
    found = survey([make("a1"), make("a1"), make("b1", subject_id="s"), make("b2", subject_id="s")])
    assert (
        texts(found, "duplicates") == [finding.text for finding in found.errors]
        and "a1" in found.errors[0].text
    )
    assert "s: 2 cases, b1, b2" in texts(found, "several")[0]


def test_f29_the_same_voxels_under_two_ids_however_they_were_packed(make, write_nifti):
    image = np.random.default_rng(1).integers(1, 9, SHAPE).astype(np.float32)
    one, other = make("a1", image=image), make("b1", image=image)
    plain = write_nifti("b1.nii", image.astype(np.int16))
    found = survey([one, replace(other, images={"t2": plain}), make("c1")])
    assert texts(found, "same voxels") == ["a1 t2 = b1 t2"]
    assert not found.errors


def test_equal_values_on_another_shape_are_not_the_same_voxels():
    zeros = np.zeros((2, 3, 4), np.float32)
    assert voxel_digest(zeros) != voxel_digest(zeros.reshape(4, 3, 2))
    assert voxel_digest(zeros) == voxel_digest(np.asfortranarray(zeros))


def test_f32_an_id_that_could_leave_its_folder_is_told_with_all_the_others(make):
    bad = replace(make("a1"), case_id="../x\x1b[2J\n")
    found = survey([bad, make("b1")])
    assert [finding.exit_code for finding in found.errors] == [5]
    assert "\x1b" not in "".join(as_lines(found))


def broken_set(make, affine=SHIFT):
    """Six cases, four of them with an error of their own."""
    cases = [make(f"c{i}", affine=affine) for i in range(6)]
    cut(cases[1].images["t2"])
    overwrite(cases[2].lesion_mask, b"")
    return [
        *cases[:3],
        make("c3", image=np.ones(SHAPE), affine=affine),
        replace(cases[4], lesion_mask=None),
        cases[5],
    ]


def test_one_bad_case_never_hides_another(make):
    found = survey(broken_set(make))
    assert [len(one.findings) for one in found.cases] == [0, 1, 1, 1, 1, 0]
    assert len(found.errors) == 4


def test_findings_do_not_depend_on_the_number_of_workers(make):
    cases, told = broken_set(make, WIDE), []
    alone = survey(cases)
    assert survey(cases, workers=2, progress=lambda *now: told.append(now)) == alone
    assert told == [(i, 6) for i in range(1, 7)]


def test_what_the_adapter_said_is_in_the_same_report(make):
    said = [
        Finding("remarks", "x: a sheet names it twice"),
        Finding("duplicates", "y: two files", "", 3),
    ]
    found = survey([make()], said)
    assert (found.unpaired, len(found.errors)) == (1, 1)
    text = "\n".join(as_lines(found))
    assert "two files" in text and "a sheet names it" in text and "1 more cannot be paired" in text


def test_f06_warnings_of_the_reader_are_in_the_report_and_not_on_the_screen(make, caplog):
    case = make()
    path = case.images["t2"]
    path.write_bytes(path.read_bytes() + b"junk")
    finding = only(case)
    assert not finding.is_error and "4 bytes after the end of the gzip stream" in finding.text
    assert not caplog.records
    assert logging.getLogger("uad_bench").propagate


def test_quick_reads_headers_only(make):
    case = make(image=np.ones(SHAPE))  # constant: only the voxels would tell
    found = inspect_case(case, Checks(quick=True))
    assert not found.findings and found.lesion_ml is None
    assert "headers only" in "\n".join(as_lines(survey([case], checks=Checks(quick=True))))


def test_whatever_a_library_raises_is_a_finding(make, monkeypatch):
    from uad_bench.data.inspect import case

    def explode(*_):
        raise ZeroDivisionError("unexpected")

    monkeypatch.setattr(case, "read_volume", explode)
    errors = [finding for finding in inspect_case(make()).findings if finding.is_error]
    assert "ZeroDivisionError: unexpected" in errors[0].text


def test_the_report_lists_every_case_groups_by_kind_and_ends_in_totals(make):
    cases = [replace(case, site="Guys", age=30.0 + i, sex="f") for i, case in enumerate(broken_set(make))]
    healthy = replace(make("h1", lesion=None), healthy=True, site="HH")
    lines = list(as_lines(survey([*cases, healthy])))
    assert [line.split()[0] for line in lines[1:8]] == ["c0", "c1", "c2", "c3", "c4", "c5", "h1"]
    assert lines[1].endswith("ok") and lines[2].endswith("1 error")
    assert "1 error: damaged or truncated files" in lines
    totals = {line.split()[0]: line for line in lines[-7:]}
    assert "7 of 7 subjects: 1 healthy, 6 with lesions" in totals["cases"]
    assert "t2 7" in totals["images"] and "Guys 6, HH 1" in totals["sites"]
    assert (
        "30 to 35 years, median 32, unknown for 1" in totals["ages"] and "f 6, unknown 1" in totals["sexes"]
    )
    assert "ml, median" in totals["lesions"] and "4 errors, no warning" in totals["findings"]
