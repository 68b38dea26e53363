"""F23 to F27: lesion masks that are unusual but valid, and incomplete cases.

Tested elsewhere: undeclared values, lesions of healthy cases, tests/data/inspect/test_voxel_checks.py; exact
average precision with missed voxels, tests/evaluate/curves/test_curve.py.
"""

import math
import shutil

import numpy as np
import pytest

from tests.helpers.toy_data import write_case
from tests.helpers.workspace import PROTOCOL


@pytest.mark.parametrize("value", [255, 4])
def test_f23_a_lesion_is_every_value_above_zero(workspace, value):
    workspace.keep("h00", "a00")
    workspace.prepare()
    before = workspace.prepared("a00")["lesion_mask"]
    workspace.forget()
    workspace.edit(workspace.file("a00", "lesion_mask"), lambda array: array * np.uint8(value))
    answer = workspace.check()
    assert (answer.code, "no error, no warning" in answer.out) == (0, True)
    assert workspace.prepare().code == 0
    np.testing.assert_array_equal(workspace.prepared("a00")["lesion_mask"], before)


def test_f23_a_label_of_another_edition_is_an_error(make_brats):
    """Label 4 is the resection cavity from 2024 on, and does not occur in the first scans of 2023."""
    workspace, case_id = make_brats
    answer = workspace.call("data", "check", "brats21", "--data", f"brats21={workspace.data}")
    assert answer.code == 3
    assert f"labels that the dataset does not know: 4 ({case_id}" in answer.out
    root = f"brats21={workspace.data}"
    answer = workspace.call("prepare", "brats21", "--data", root, "--protocol", PROTOCOL)
    assert (answer.code, len(answer.listed)) == (7, 1)
    assert "labels that the dataset does not know: 4" in answer.listed[0]


@pytest.fixture
def make_brats(workspace):
    """A scan under the names of 2023, with label 4."""
    case_id = "BraTS-GLI-00005-000"
    workspace.edit(workspace.file("a00", "lesion_mask"), lambda array: array * np.uint8(4))
    folder = workspace.root / "brats" / case_id
    folder.mkdir(parents=True)
    shutil.copyfile(workspace.file("a00"), folder / f"{case_id}-t2w.nii.gz")
    shutil.copyfile(workspace.file("a00", "lesion_mask"), folder / f"{case_id}-seg.nii.gz")
    workspace.data = folder.parent
    return workspace, case_id


def test_f23_a_fraction_is_no_label(workspace):
    workspace.edit(workspace.file("a00", "lesion_mask"), lambda array: array * np.float32(0.999))
    workspace.refuses("a00", "UB328", "values that are not integers", "a00_lesion.nii.gz")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_f23_nan_is_no_label(workspace, value):
    workspace.edit(
        workspace.file("a00", "lesion_mask"), lambda array: np.where(array, value, 0).astype(np.float32)
    )
    workspace.refuses("a00", "UB328", "NaN or Inf", "a00_lesion.nii.gz")


def test_f23_three_labels_are_usual_a_parcellation_or_an_unexpected_value_is_a_warning(workspace):
    path = workspace.file("a00", "lesion_mask")
    workspace.edit(path, lambda array: np.where(array, np.resize([1, 2, 4], array.shape), 0).astype(np.uint8))
    assert "no error, no warning" in workspace.check().out
    answer = workspace.check("--set", "folder.lesion_labels=[1,4]")
    assert (answer.code, "a00: 2 count neither as lesion nor as ignored" in answer.out) == (0, True)
    workspace.edit(
        path, lambda array: np.where(array, np.resize(np.arange(12), array.shape), 0).astype(np.uint8)
    )
    answer = workspace.check()
    assert (answer.code, "a00: 11 values above 0 (1, 2, 3, 4, 5 ...)" in answer.out) == (0, True)


def mark(array, place):
    """An empty mask with some voxels marked."""
    array = np.zeros_like(array)
    array[place] = 1
    return array


def copied(workspace, row, case):
    """The row of a case with copies of another case's files."""
    files = {column: name for column, name in row.items() if name.endswith(".nii.gz")}
    for name in files.values():
        shutil.copyfile(workspace.data / name, workspace.data / f"{case}_{name}")
    return row | {"case_id": case} | {column: f"{case}_{name}" for column, name in files.items()}


def put_unusual_cases(workspace):
    """a00: no lesion voxel. a01: normal; a03 is a copy of a01. a02: half of the lesion is outside the brain.

    b00: the lesion is the whole brain. b01 and h05 have no T2.
    """
    rows = workspace.rows()
    for number, case in enumerate(("a01", "a02")):
        write_case(workspace.data, case, np.random.default_rng(number))
        files = {"t2": "t2", "brain_mask": "brain", "lesion_mask": "lesion"}
        rows.append({"case_id": case, "healthy": "no"} | {k: f"{case}_{v}.nii.gz" for k, v in files.items()})
    by_id = {row["case_id"]: row for row in rows}
    rows.append(copied(workspace, by_id["a01"], "a03"))
    for case, like in (("b01", "a01"), ("h05", "h00")):
        row = copied(workspace, by_id[like], case)
        rows.append(row | {"flair": row["t2"], "t2": ""})
    workspace.write_rows(rows)
    workspace.edit(workspace.file("a00", "lesion_mask"), np.zeros_like)
    shutil.copyfile(workspace.file("b00", "brain_mask"), workspace.file("b00", "lesion_mask"))
    lower = (slice(None), slice(None), slice(0, 10))
    workspace.edit(workspace.file("a02", "brain_mask"), lambda array: array * mark(array, lower))
    cube = (slice(10, 14), slice(12, 16), slice(8, 12))
    workspace.edit(workspace.file("a02", "lesion_mask"), lambda array: mark(array, cube))


@pytest.fixture(scope="module")
def odd(make_workspace, tmp_path_factory):
    """A workspace with unusual cases, and the output of `data check` and of `run` without and with --skip-missing."""
    with make_workspace(tmp_path_factory.mktemp("odd") / "workspace") as workspace:
        put_unusual_cases(workspace)
        yield (
            workspace,
            workspace.check("--protocol", PROTOCOL),
            workspace.run(),
            workspace.run("--skip-missing"),
        )


def of_case(workspace, case):
    """The values of a case by metric, and the reasons of undefined ones."""
    rows = [row for row in workspace.table("cases.csv") if row["case_id"] == case]
    return {row["metric"]: row["value"] for row in rows}, {row["metric"]: row["reason"] for row in rows}


def test_f24_an_empty_lesion_mask_is_counted_and_changes_no_mean(odd):
    workspace, answer, _, ran = odd
    assert "a00: no lesion voxel; average precision is undefined for this case" in answer.out
    assert ran.code == 0
    words = "no lesion voxel in 1 of 5 cases that are not declared healthy, AP is undefined there: a00"
    assert ran.err.count(words) == 1
    values, reasons = of_case(workspace, "a00")
    assert (values["ap"], reasons["ap"]) == ("", "no_positive")
    (mean,) = [r for r in workspace.table("metrics.csv") if (r["group"], r["metric"]) == ("all", "ap.case")]
    others = [float(of_case(workspace, case)[0]["ap"]) for case in ("a01", "a02", "a03", "b00")]
    assert (mean["n"], mean["undefined"], mean["reason"]) == ("4", "1", "no_positive")
    assert float(mean["value"]) == pytest.approx(math.fsum(others) / 4, abs=1e-12)


def test_f25_a_lesion_of_the_whole_brain_fails_the_check_and_is_measured(odd):
    """The check calls it an error, as it is most likely a brain mask; a run warns, and its metrics are right."""
    workspace, answer, _, ran = odd
    words = "the lesions fill 100% of the brain, more than half of it (b00, data/b00_lesion.nii.gz)"
    assert words in answer.out.split("error: lesions that fill more than half of the brain")[1]
    assert "b00: the lesions have" in ran.err
    values, reasons = of_case(workspace, "b00")
    assert float(values["ap"]) == 1
    assert (values["auroc"], reasons["auroc"]) == ("", "no_negative")


def test_f26_lesion_voxels_outside_the_brain_count_as_missed(odd):
    workspace, answer, _, _ = odd
    assert "a02: 32 of 64 lesion voxels (50.00%); they count as missed" in answer.out
    prepared = workspace.prepared("a02")
    brain, lesion = prepared["brain_mask"], prepared["lesion_mask"]
    missed = int((lesion & ~brain).sum())
    assert 0 < missed < lesion.sum()
    values, _ = of_case(workspace, "a02")
    assert float(values["prevalence"]) == pytest.approx(lesion.sum() / (brain.sum() + missed), abs=1e-9)
    assert float(values["ap"]) <= 1 - missed / lesion.sum()


def test_f27_cases_that_lack_a_modality_are_left_out_only_on_demand(odd):
    workspace, answer, stopped, ran = odd
    assert answer.code == 3
    for case in ("b01", "h05"):
        assert f"no t2; the case has flair ({case})" in answer.out
    assert stopped.code == 3
    assert (
        "error[UB332]: 2 of 12 cases of folder lack t2: b01, h05 (folder): add --skip-missing"
        in stopped.error
    )
    left = [(row["case_id"], row["reason"]) for row in workspace.table("left_out.csv")]
    assert left == [("b01", "lacks t2"), ("h05", "lacks t2")]
    assert ran.code == 0
    assert "7 cases (5 with lesions, 2 healthy)" in " ".join(ran.out.split())


def test_f27_prepare_lists_them_and_continues(odd):
    workspace, *_ = odd
    answer = workspace.prepare()
    assert answer.code == 7
    assert [line.partition(": ")[0] for line in answer.listed] == ["lacks t2 (b01)", "lacks t2 (h05)"]


def test_f29_the_same_voxels_within_a_role_are_a_warning_kept_with_the_run(odd):
    workspace, answer, _, ran = odd
    assert "a01 t2 = a03 t2" in answer.out.split("images with the same voxels")[1]
    assert ran.code == 0
    audited = workspace.call("audit", workspace.runs)
    assert audited.code == 0
    assert "warning  L3" in audited.out
    assert "folder/a01, folder/a03" in audited.out
