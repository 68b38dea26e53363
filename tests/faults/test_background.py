"""Background without data: NaN or one constant value around the head counts as 0, and no stripper runs on it."""

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.public_cases import make_case
from uad_bench.data.nifti.background import without_background
from uad_bench.prepare.steps import brain_mask


@pytest.fixture
def stripped(workspace, tmp_path):
    """The public cohort of stripped scans without brain masks, NaN around the brain, two of its cases."""
    workspace.data = make_case("nan_background", tmp_path / "workspace" / "nan")
    columns = ("case_id", "t2", "lesion_mask", "healthy")
    workspace.write_rows(
        {key: row[key] for key in columns} for row in workspace.rows() if row["case_id"] in ("h00", "a00")
    )
    return workspace


@pytest.fixture(autouse=True)
def no_stripper(monkeypatch):
    def refuse(*_):
        raise AssertionError("a stripper ran")

    monkeypatch.setattr(brain_mask, "extract_brain", refuse)


def with_background(workspace, value):
    """The same cohort with another value around the brain, in place of NaN."""
    for path in workspace.data.glob("*_t2.nii.gz"):
        image = nib.load(path)
        data = np.asarray(image.dataobj)
        nib.save(nib.Nifti1Image(np.where(np.isnan(data), np.float32(value), data), image.affine), path)


@pytest.mark.parametrize("value", [np.nan, -1024, 7.5, np.inf, -np.inf])
@pytest.mark.parametrize("words", [(), ("--set", "folder.stripped=true")])
def test_a_background_of_nan_or_one_value_is_prepared_as_zeros_are(stripped, value, words):
    with_background(stripped, 0)
    assert stripped.prepare(*words).code == 0
    before = stripped.prepared("a00")
    stripped.forget()
    make_case("nan_background", stripped.data)
    stripped.write_rows(
        {k: r[k] for k in ("case_id", "t2", "lesion_mask", "healthy")} for r in stripped.rows()
    )
    stripped.keep("h00", "a00")
    with_background(stripped, value)
    answer = stripped.prepare(*words)
    assert answer.code == 0
    assert "around the head counts as no data" in answer.err
    for name, array in stripped.prepared("a00").items():
        np.testing.assert_array_equal(array, before[name])
    answer = stripped.check(*words)
    assert (answer.code, "around the head counts as no data" in answer.out) == (0, True)


def test_f10_nan_inside_a_stripped_brain_is_still_an_error(stripped):
    path = stripped.file("h00")
    image = nib.load(path)
    data = np.asarray(image.dataobj).copy()
    data[30, 36, 28] = np.nan
    nib.save(nib.Nifti1Image(data, image.affine), path)
    answer = stripped.prepare("--set", "folder.stripped=true")
    assert answer.code == 7
    assert "1 NaN or Inf voxels inside the brain" in answer.listed[0]
    answer = stripped.check("--set", "folder.stripped=true")
    assert (answer.code, "1 NaN or Inf voxels inside the brain" in answer.out) == (3, True)


def test_noise_around_a_head_and_zeros_stay_as_they_are():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 9, (20, 20, 20)).astype(np.float32)
    assert without_background(noise) == (noise, ())
    zeros = np.pad(noise[5:15, 5:15, 5:15], 5)
    assert without_background(zeros) == (zeros, ())


def test_the_value_of_the_background_stays_where_it_is_inside():
    array = np.full((12, 12, 12), -5, np.float32)
    array[3:9, 3:9, 3:9] = np.arange(1, 217).reshape(6, 6, 6)
    array[5, 5, 5] = -5
    found, (answer,) = without_background(array)
    assert found[0, 0, 0] == 0 and found[5, 5, 5] == -5
    assert "1512 voxels" in answer
