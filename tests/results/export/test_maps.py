"""Exported maps and masks: the right place, the right names, the right voxels."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np

from tests.helpers.exports import cases_of, files
from uad_bench.data.nifti.read import read_any
from uad_bench.results.csv_tables import THRESHOLD_COLUMNS
from uad_bench.results.export_bids import export


def test_each_map_lies_on_its_scan(run, sources, data, tmp_path):
    done, failed = export([run], tmp_path, sources, (), "")
    assert (done, failed) == (len(cases_of(run)), [])
    axes = set()
    for case_id in cases_of(run):
        written = nib.load(tmp_path / f"sub-{case_id}/anat/sub-{case_id}_desc-threshraw_scoremap.nii.gz")
        source = nib.load(data / f"{case_id}_t2.nii.gz")
        assert written.shape == source.shape
        assert np.abs(written.affine - source.affine).max() <= 1e-6
        assert int(written.header["sform_code"]) > 0 and int(written.header["qform_code"]) > 0
        axes.add(nib.aff2axcodes(written.affine))
        values, native = written.get_fdata(), np.asarray(source.dataobj, dtype=float)
        brain = np.asarray(nib.load(data / f"{case_id}_brain.nii.gz").dataobj) > 0
        low, high = np.percentile(native[brain], [1, 99])
        assert np.allclose(values[brain], np.clip((native - low) / (high - low), 0, 1)[brain], atol=1e-5)
        assert not values[~brain].any()
    assert len(axes) == 2  # RAS and LPS files were among them


def test_a_sidecar_says_where_the_map_came_from(run, sources, tmp_path):
    export([run], tmp_path, sources, (), "")
    case_id = cases_of(run)[0]
    about = json.loads(
        (tmp_path / f"sub-{case_id}/anat/sub-{case_id}_desc-threshraw_scoremap.json").read_text()
    )
    spec = run.spec()
    assert about["Run"] == run.name and about["CaseId"] == case_id and about["Seed"] == 0
    assert about["ProtocolFingerprint"] == spec.protocol.fingerprint
    assert about["SourceFile"] == f"{case_id}_t2.nii.gz" and len(about["SourceVoxelsSha256"]) == 64
    assert (
        about["Method"] == "thresh:raw" and "higher" in about["Description"] and about["Units"] == "arbitrary"
    )
    assert (tmp_path / "dataset_description.json").is_file() and (tmp_path / ".bidsignore").is_file()


def test_masks_are_what_the_evaluation_thresholds(run, sources, tmp_path):
    export([run], tmp_path, sources, (), "healthy_q98")
    (row,) = [r for r in run.table("thresholds.csv") if r["rule"] == "healthy_q98"]
    case_id = next(name for name in cases_of(run) if name.startswith("a"))
    stem = f"sub-{case_id}/anat/sub-{case_id}_desc-threshrawhealthyq98_mask"
    mask = np.asarray(nib.load(tmp_path / f"{stem}.nii.gz").dataobj)
    about = json.loads((tmp_path / f"{stem}.json").read_text())
    assert about["Threshold"] == float(row["value"]) and about["Type"] == "Lesion"
    assert about["PostProcessing"] == list(run.spec().protocol.postprocess)
    lesion = read_any(sources.roots["toy_data"] / f"{case_id}_lesion.nii.gz", case_id).array > 0
    assert set(np.unique(mask)) == {0, 1}
    assert (mask > 0)[lesion].mean() > 0.3 > (mask > 0)[~lesion].mean()  # bright blobs, a median beside them


def test_cases_of_another_dataset_than_a_test_set_get_their_map_and_no_mask(run, sources, tmp_path, caplog):
    copy = type(run)(shutil.copytree(run.path, tmp_path / "p/thresh-raw/seed0-00000000"))
    rows = copy.table("thresholds.csv")
    copy.write_table("thresholds.csv", THRESHOLD_COLUMNS, [row | {"dataset": "elsewhere"} for row in rows])
    copy.seal()
    done, failed = export([copy], tmp_path / "o", sources, ["all"], "healthy_q98")
    assert failed == [] and done == len(list((tmp_path / "o").rglob("*scoremap.nii.gz"))) > 0
    assert not list((tmp_path / "o").rglob("*mask*"))
    assert f"no mask of {done} cases of toy_data: a threshold is of a test dataset (elsewhere)" in caplog.text


def test_an_image_never_lies_beside_the_sidecar_of_another(run, sources, tmp_path, monkeypatch):
    case_id = cases_of(run)[0]
    export([run], tmp_path, sources, [case_id], "healthy_q98")
    (mask,) = tmp_path.rglob("*_mask.nii.gz")
    copy = type(run)(shutil.copytree(run.path, tmp_path / "other" / Path(*run.path.parts[-3:])))
    rows = copy.table("thresholds.csv")
    copy.write_table(
        "thresholds.csv", THRESHOLD_COLUMNS, [row | {"value": row["value"] and 0.5} for row in rows]
    )
    copy.seal()
    monkeypatch.setattr("uad_bench.results.export_bids.write_volume", lambda *_: 1 / 0)
    _, (error,) = export([copy], tmp_path, sources, [case_id], "healthy_q98")
    assert "ZeroDivisionError" in str(error) and mask.is_file()
    assert mask.with_name(mask.name.replace("healthyq98_mask", "_scoremap")).is_file()  # its sidecar is equal
    write_volume = lambda path, *_: None if "scoremap" in path.name else 1 / 0  # noqa: E731
    monkeypatch.setattr("uad_bench.results.export_bids.write_volume", write_volume)
    export([copy], tmp_path, sources, [case_id], "healthy_q98")
    assert json.loads(mask.with_name(mask.name.replace(".nii.gz", ".json")).read_text())["Threshold"] == 0.5
    assert not mask.exists()


def test_without_a_rule_there_is_no_mask_and_cases_can_be_chosen(run, sources, tmp_path):
    tuned, name = cases_of(run, "tune")[0], cases_of(run)[0]
    export([run], tmp_path, sources, [tuned, f"toy_data/{name}"], "")
    images = [f for f in files(tmp_path) if f.endswith(".nii.gz")]
    assert [Path(f).name.split("_")[0] for f in images] == sorted([f"sub-{tuned}", f"sub-{name}"])
    assert not any("mask" in f for f in files(tmp_path))


def test_no_other_data_than_that_of_the_cases_is_needed(run, sources, data, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    case_id = cases_of(run)[0]
    for path in data.glob(f"{case_id}_*"):
        shutil.copy2(path, few)
    there = replace(sources, cache=tmp_path / "cache", roots={"toy_data": few})
    assert export([run], tmp_path / "out", there, [case_id], "") == (1, [])


def test_two_exports_are_equal_to_the_byte_with_one_worker_or_two(run, sources, tmp_path):
    for name, workers in (("a", 1), ("b", 2)):
        export([run], tmp_path / name, replace(sources, workers=workers), (), "healthy_q98")
    assert files(tmp_path / "a") == files(tmp_path / "b") != []
    for name in files(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
