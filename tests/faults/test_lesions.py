"""F23 to F27: lesion masks that are odd but true, and cases that lack something.

Met elsewhere: values that a dataset does not know, lesions of healthy cases, tests/data/inspect/test_survey.py; exact
average precision with missed voxels, tests/evaluate/curves/test_curve.py.
"""

import math
import shutil

import numpy as np
import pytest

from tests.helpers.desk import PROTOCOL
from tests.helpers.toy_data import write_case


@pytest.mark.parametrize("value", [255, 4])
def test_f23_a_lesion_is_every_value_above_zero(desk, value):
    desk.keep("h00", "a00")
    desk.prepare()
    before = desk.prepared("a00")["lesion_mask"]
    desk.forget()
    desk.edit(desk.file("a00", "lesion_mask"), lambda array: array * np.uint8(value))
    told = desk.check()
    assert (told.code, "no error, no warning" in told.out) == (0, True)
    assert desk.prepare().code == 0
    np.testing.assert_array_equal(desk.prepared("a00")["lesion_mask"], before)


def test_f23_a_fraction_is_no_label(desk):
    desk.edit(desk.file("a00", "lesion_mask"), lambda array: array * np.float32(0.999))
    desk.refuses("a00", "UB328", "values that are not integers", "a00_lesion.nii.gz")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_f23_nan_is_no_label(desk, value):
    desk.edit(desk.file("a00", "lesion_mask"), lambda array: np.where(array, value, 0).astype(np.float32))
    desk.refuses("a00", "UB328", "NaN or Inf", "a00_lesion.nii.gz")


def test_f23_three_labels_are_usual_a_parcellation_or_a_stranger_is_warned_of(desk):
    path = desk.file("a00", "lesion_mask")
    desk.edit(path, lambda array: np.where(array, np.resize([1, 2, 4], array.shape), 0).astype(np.uint8))
    assert "no error, no warning" in desk.check().out
    told = desk.check("--set", "folder.lesion_labels=[1,4]")
    assert (told.code, "a00: 2 count neither as lesion nor as ignored" in told.out) == (0, True)
    desk.edit(path, lambda array: np.where(array, np.resize(np.arange(12), array.shape), 0).astype(np.uint8))
    told = desk.check()
    assert (told.code, "a00: 11 values above 0 (1, 2, 3, 4, 5 ...)" in told.out) == (0, True)


def mark(array, place):
    """An empty mask with one place marked."""
    array = np.zeros_like(array)
    array[place] = 1
    return array


def put_odd_cases(desk):
    """a00: no lesion voxel. a01: sound; a03 is a01 again. a02: half its lesion is outside the brain.

    b00: the lesion is all of the brain. b01 and h05 have no T2.
    """
    rows = desk.rows()
    for number, case in enumerate(("a01", "a02")):
        write_case(desk.data, case, np.random.default_rng(number))
        files = {"t2": "t2", "brain_mask": "brain", "lesion_mask": "lesion"}
        rows.append({"case_id": case, "healthy": "no"} | {k: f"{case}_{v}.nii.gz" for k, v in files.items()})
    by_id = {row["case_id"]: row for row in rows}
    rows.append(by_id["a01"] | {"case_id": "a03"})
    for case, like in (("b01", "a01"), ("h05", "h00")):
        rows.append(by_id[like] | {"case_id": case, "flair": by_id[like]["t2"], "t2": ""})
    desk.write_rows(rows)
    desk.edit(desk.file("a00", "lesion_mask"), np.zeros_like)
    shutil.copyfile(desk.file("b00", "brain_mask"), desk.file("b00", "lesion_mask"))
    lower = (slice(None), slice(None), slice(0, 10))
    desk.edit(desk.file("a02", "brain_mask"), lambda array: array * mark(array, lower))
    cube = (slice(10, 14), slice(12, 16), slice(8, 12))
    desk.edit(desk.file("a02", "lesion_mask"), lambda array: mark(array, cube))


@pytest.fixture(scope="module")
def odd(lay, tmp_path_factory):
    """A desk with odd cases, and what `data check`, and `run` without and with --skip-missing, said of them."""
    with lay(tmp_path_factory.mktemp("odd") / "desk") as desk:
        put_odd_cases(desk)
        yield desk, desk.check("--protocol", PROTOCOL), desk.run(), desk.run("--skip-missing")


def of_case(desk, case):
    """The values of a case by metric, and their reasons."""
    rows = [row for row in desk.table("cases.csv") if row["case_id"] == case]
    return {row["metric"]: row["value"] for row in rows}, {row["metric"]: row["reason"] for row in rows}


def test_f24_an_empty_lesion_mask_is_counted_and_moves_no_mean(odd):
    desk, told, _, ran = odd
    assert "a00: no lesion voxel; average precision is undefined for this case" in told.out
    assert ran.code == 0
    values, reasons = of_case(desk, "a00")
    assert (values["ap"], reasons["ap"]) == ("", "no_positive")
    (mean,) = [r for r in desk.table("metrics.csv") if (r["group"], r["metric"]) == ("all", "ap.case")]
    others = [float(of_case(desk, case)[0]["ap"]) for case in ("a01", "a02", "a03", "b00")]
    assert (mean["n"], mean["undefined"], mean["reason"]) == ("4", "1", "no_positive")
    assert float(mean["value"]) == pytest.approx(math.fsum(others) / 4, abs=1e-12)


def test_f25_a_lesion_that_is_all_of_the_brain_is_an_error_of_the_check_and_measured_by_a_run(odd):
    """The check calls it an error, as it is most likely a brain mask; a run warns, and its metrics are right."""
    desk, told, _, ran = odd
    words = "the lesions fill 100% of the brain, more than half of it (b00, data/b00_lesion.nii.gz)"
    assert words in told.out.split("error: lesions that fill more than half of the brain")[1]
    assert "b00: the lesions hold" in ran.err
    values, reasons = of_case(desk, "b00")
    assert float(values["ap"]) == 1
    assert (values["auroc"], reasons["auroc"]) == ("", "no_negative")


def test_f26_lesion_voxels_outside_the_brain_are_told_and_count_as_missed(odd):
    desk, told, _, _ = odd
    assert "a02: 32 of 64 lesion voxels (50.00%); they count as missed" in told.out
    prepared = desk.prepared("a02")
    brain, lesion = prepared["brain_mask"], prepared["lesion_mask"]
    missed = int((lesion & ~brain).sum())
    assert 0 < missed < lesion.sum()
    values, _ = of_case(desk, "a02")
    assert float(values["prevalence"]) == pytest.approx(lesion.sum() / (brain.sum() + missed), abs=1e-9)
    assert float(values["ap"]) <= 1 - missed / lesion.sum()


def test_f27_cases_that_lack_a_modality_are_left_out_only_on_demand(odd):
    desk, told, stopped, ran = odd
    assert told.code == 3
    for case in ("b01", "h05"):
        assert f"no t2; the case has flair ({case})" in told.out
    assert stopped.code == 3
    assert (
        "error[UB332]: 2 of 12 cases of folder lack t2: b01, h05 (folder): add --skip-missing"
        in stopped.error
    )
    left = [(row["case_id"], row["reason"]) for row in desk.table("left_out.csv")]
    assert left == [("b01", "lacks t2"), ("h05", "lacks t2")]
    assert ran.code == 0
    assert "7 cases (5 with lesions, 2 healthy)" in " ".join(ran.out.split())


def test_f27_prepare_lists_them_and_goes_on(odd):
    desk, *_ = odd
    told = desk.prepare()
    assert told.code == 7
    assert [line.partition(": ")[0] for line in told.listed] == ["lacks t2 (b01)", "lacks t2 (h05)"]


def test_f29_the_same_voxels_inside_a_role_are_a_warning_that_stays_with_the_run(odd):
    desk, told, _, ran = odd
    assert "a01 t2 = a03 t2" in told.out.split("images with the same voxels")[1]
    assert ran.code == 0
    audited = desk.call("audit", desk.runs)
    assert audited.code == 0
    assert "warning  L3" in audited.out
    assert "folder/a01, folder/a03" in audited.out
