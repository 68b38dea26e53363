"""Trained models on new scans: the bits of the run, in the space of the scan."""

import csv
import json
import os
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.predictions import TRUST, ids_of_test, loaded
from tests.helpers.toy_data import AFFINE, SHAPE, write_case

#: In a call of many: most are as before after one was killed, or two files were deleted.
SCANS = 6


def test_the_map_of_a_test_scan_is_that_of_the_run_bit_by_bit(predict, run, toy_root, tmp_path):
    for case_id in ids_of_test(run)[:2]:
        scan, mask = (toy_root / f"{case_id}_{word}.nii.gz" for word in ("t2", "brain"))
        code, out, err = predict(scan, "--brain-mask", mask, "--prepared-grid")
        assert code == 0, err
        (raw,) = (tmp_path / "out" / f"sub-{case_id}" / "anat").glob("*space-toy*raw_scoremap.nii.gz")
        assert loaded(raw).tobytes() == run.read_map("toy_data", case_id).tobytes()
        assert f"{case_id}: healthy_q98" in out


def test_all_scans_of_a_call_share_one_loaded_model(predict, toy_root, monkeypatch):
    from uad_bench.pipeline.predict import model as module

    loads, stored = [], module.stored
    monkeypatch.setattr(module, "stored", lambda *words: loads.append(words) or stored(*words))
    code, out, err = predict(*(toy_root / f"{name}_t2.nii.gz" for name in ("a00", "a01", "h00")))
    assert code == 0 and "3 maps in out" in out and len(loads) == 1, err


def test_outside_the_brain_the_map_lies_below_every_score(predict, toy_root, tmp_path):
    assert predict(toy_root / "a00_t2.nii.gz")[0] == 0
    folder = tmp_path / "out" / "sub-a00" / "anat"
    values = loaded(folder / "sub-a00_desc-blurpostprocessed_scoremap.nii.gz")
    brain = loaded(folder / "sub-a00_desc-blurbrain_mask.nii.gz") > 0
    about = json.loads((folder / "sub-a00_desc-blurpostprocessed_scoremap.json").read_text())
    assert np.isfinite(values).all() and brain.any() and not brain.all()
    assert set(values[~brain]) == {np.float32(about["Background"])}
    assert about["Background"] < values[brain].min()
    assert about["BrainMask"] == "sub-a00_desc-blurbrain_mask.nii.gz"
    assert (folder / "sub-a00_desc-blurpostprocessed_scoremap.png").stat().st_size > 10_000


def test_volumes_are_those_above_healthy_quantiles(predict, run, toy_root, tmp_path):
    from uad_bench.evaluate import postprocess

    case_id = next(name for name in ids_of_test(run) if name[0] == "a")
    predict(toy_root / f"{case_id}_t2.nii.gz", "--brain-mask", toy_root / f"{case_id}_brain.nii.gz")
    (row,) = [r for r in run.table("thresholds.csv") if r["rule"] == "healthy_q98"]
    brain = loaded(toy_root / f"{case_id}_brain.nii.gz") > 0
    steps = postprocess.parse(run.spec().protocol.postprocess)
    values, region = postprocess.apply(run.read_map("toy_data", case_id), brain, steps)
    folder = tmp_path / "out" / f"sub-{case_id}" / "anat"
    (one,) = json.loads((folder / f"sub-{case_id}_desc-blurpostprocessed_scoremap.json").read_text())[
        "Thresholds"
    ]
    assert one["Value"] == float(row["value"]) and one["HealthyShareAbove"] == 0.02
    assert one["VolumeMl"] == pytest.approx(((values >= one["Value"]) & region).sum() * 0.216)
    (line,) = csv.DictReader((tmp_path / "out" / "predictions.tsv").open(), delimiter="\t")
    assert line["case_id"] == case_id and float(line["volume_ml"]) == one["VolumeMl"]
    assert (
        "no statement is made on whether a scan is healthy"
        in (folder / f"sub-{case_id}_desc-blurpostprocessed_scoremap.json").read_text()
    )


def test_the_map_lies_on_its_file_whatever_the_axes(predict, tmp_path):
    (tmp_path / "in").mkdir()
    write_case(tmp_path / "in", "a07", np.random.default_rng(7))
    path = tmp_path / "in" / "a07_t2.nii.gz"
    values = loaded(path)
    turned = nib.Nifti1Image(values.transpose(2, 0, 1)[:, ::-1], AFFINE[:, [2, 0, 1, 3]] @ np.array(
        [[1, 0, 0, 0], [0, -1, 0, SHAPE[0] - 1], [0, 0, 1, 0], [0, 0, 0, 1]]))  # fmt: skip
    nib.save(turned, tmp_path / "in" / "b07_t2.nii.gz")
    assert predict(tmp_path / "in")[0] == 0
    one, other = (
        nib.load(tmp_path / f"out/sub-{n}/anat/sub-{n}_desc-blurpostprocessed_scoremap.nii.gz")
        for n in ("a07", "b07")
    )
    assert other.shape == turned.shape and np.allclose(other.affine, turned.affine)
    assert np.allclose(
        np.asarray(one.dataobj).transpose(2, 0, 1)[:, ::-1], np.asarray(other.dataobj), atol=1e-5
    )


def test_many_scans_in_one_call_and_a_repetition_keeps_them(predict, tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(SCANS):
        write_case(folder, f"h{i:02d}", np.random.default_rng(500 + i))
    code, out, err = predict(folder)
    assert code == 0 and f"{SCANS} maps in out" in out, err
    maps = sorted((tmp_path / "out").rglob("*_scoremap.nii.gz"))
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in maps}
    assert len(before) == SCANS
    maps[3].unlink()  # as after a kill between two scans
    maps[4].with_name(maps[4].name.replace("blurpostprocessed_scoremap", "blurbrain_mask")).unlink()
    code, _, err = predict(folder)
    assert code == 0 and err.count("predicted already") == SCANS - 2
    for path, (then, data) in before.items():
        assert path.read_bytes() == data
        assert (path.stat().st_mtime_ns == then) == (path not in maps[3:5])


def test_a_killed_call_and_its_repetition_give_the_bytes_of_an_undisturbed_one(run, toy_cache, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(SCANS):
        write_case(folder, f"h{i:02d}", np.random.default_rng(700 + i))
    words = [sys.executable, "-m", "uad_bench", "predict", run.path, folder, *TRUST, "--workers", "1", "--to"]
    here = {**os.environ, "UAD_BENCH_CACHE": str(toy_cache), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*words, tmp_path / "a"], env=here, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and len(list((tmp_path / "a").rglob("*_scoremap.nii.gz"))) < 2:
            time.sleep(0.02)
        process.kill()
    assert len(list((tmp_path / "a").rglob("*_scoremap.nii.gz"))) < SCANS
    for name in ("a", "b"):
        subprocess.run([*words, tmp_path / name], env=here, check=True, capture_output=True)
    files = {
        name: {
            p.relative_to(tmp_path / name): p.read_bytes()
            for p in (tmp_path / name).rglob("*")
            if p.is_file()
        }
        for name in ("a", "b")
    }
    assert files["a"] == files["b"] and len(files["a"]) == SCANS * 5 + 3
