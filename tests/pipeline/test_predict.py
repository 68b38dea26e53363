"""Trained models on new scans: the run's own bits, the scan's own space, nothing written where nothing can be said."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.command import call
from tests.helpers.runs import METHODS, execute, matrix
from tests.helpers.toy_data import AFFINE, SHAPE, write_case
from uad_bench.support import strict_yaml

TRUST = ("--trust", f"{METHODS}:Blur")


@pytest.fixture(scope="module")
def run(tmp_path_factory, toy_root, toy_cache):
    from uad_bench.cohort.discovery import Sources
    from uad_bench.pipeline.run_job import Workplace

    place = Workplace(tmp_path_factory.mktemp("runs"), Sources(toy_cache, {"toy_data": toy_root}), threads=1)
    (run,) = execute(matrix("Blur"), place)
    return run


@pytest.fixture
def predict(run, tmp_path, toy_cache, monkeypatch, capsys):
    """predict(words ...) -> exit code, stdout, stderr; the maps go to tmp_path/out."""
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    monkeypatch.chdir(tmp_path)

    def verb(*words, model=run.path, trust=TRUST):
        return call(monkeypatch, capsys, "predict", model, *words, "--to", "out", *trust)

    return verb


def _tested_ids(run):
    return [row["case_id"] for row in run.table("splits.csv") if row["role"] == "test"]


def loaded(path):
    return np.asarray(nib.load(path).dataobj)


def test_the_map_of_a_test_scan_is_that_of_the_run_bit_by_bit(predict, run, toy_root, tmp_path):
    for case_id in _tested_ids(run)[:2]:
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

    case_id = next(name for name in _tested_ids(run) if name[0] == "a")
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
        "no scan is called healthy"
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


def test_twenty_scans_in_one_call_and_a_repetition_keeps_them(predict, tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(20):
        write_case(folder, f"h{i:02d}", np.random.default_rng(500 + i))
    code, out, err = predict(folder)
    assert code == 0 and "20 maps in out" in out, err
    maps = sorted((tmp_path / "out").rglob("*_scoremap.nii.gz"))
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in maps}
    assert len(before) == 20
    maps[3].unlink()  # as after a kill between two scans
    maps[4].with_name(maps[4].name.replace("blurpostprocessed_scoremap", "blurbrain_mask")).unlink()
    code, _, err = predict(folder)
    assert code == 0 and err.count("predicted already") == 18
    for path, (then, data) in before.items():
        assert path.read_bytes() == data
        assert (path.stat().st_mtime_ns == then) == (path not in maps[3:5])


def test_a_killed_call_and_its_repetition_give_the_bytes_of_an_undisturbed_one(run, toy_cache, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(20):
        write_case(folder, f"h{i:02d}", np.random.default_rng(700 + i))
    words = [sys.executable, "-m", "uad_bench", "predict", run.path, folder, *TRUST, "--workers", "1", "--to"]
    here = {**os.environ, "UAD_BENCH_CACHE": str(toy_cache), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*words, tmp_path / "a"], env=here, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and len(list((tmp_path / "a").rglob("*_scoremap.nii.gz"))) < 3:
            time.sleep(0.02)
        process.kill()
    assert len(list((tmp_path / "a").rglob("*_scoremap.nii.gz"))) < 20
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
    assert files["a"] == files["b"] and len(files["a"]) == 20 * 5 + 3


def test_one_bad_scan_stops_no_other(predict, toy_root, tmp_path):
    empty = tmp_path / "none_t2.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros(SHAPE, np.int16), AFFINE), empty)
    code, out, err = predict(toy_root / "a00_t2.nii.gz", empty)
    assert code == 7 and "1 map in out" in out and "1 of 2 scans have no map" in err and "none_t2" in err


def noise(path):
    small = np.zeros(SHAPE, np.int16)
    small[10:12, 10:12, 10:12] = 5 + np.arange(8).reshape(2, 2, 2)
    nib.save(nib.Nifti1Image(small, AFFINE), path)


@pytest.mark.parametrize(
    ("name", "more", "code", "words"),
    [
        ("x_FLAIR.nii.gz", (), 3, "UB332.*takes t2.*no t2"),
        ("x_FLAIR.nii.gz", ("--modality", "t2"), 2, "UB250"),
        ("x_t2.nii.gz", ("--modality", "flair"), 2, "UB250.*takes t2, not flair"),
        ("x_t2.nii.gz", ("--modality", "t9"), 2, "UB201"),
        ("x.nii.gz", (), 2, "UB251"),
        ("x_t2.nii.gz", (), 3, "UB331"),
        ("x_t2.nii.gz", ("--brain-mask", "no.nii"), 2, "no such file"),
        ("x_t2.nii.gz", ("--orientation", "up"), 2, "UB202"),
        ("x_t2.nii.gz", ("--id", "../x"), 2, "UB205"),
        ("my x_t2.nii.gz", (), 2, "UB205.*--id, or rename"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(predict, tmp_path, name, more, code, words):
    noise(tmp_path / name)
    before = sorted(tmp_path.rglob("*"))
    left, out, err = predict(tmp_path / name, *more)
    assert left == code and not out
    assert re.search(words, err.splitlines()[-1]), err
    assert [line for line in err.splitlines() if line.startswith("error[")] == err.splitlines()[-1:]
    assert sorted(tmp_path.rglob("*")) == before


def test_maps_of_another_model_are_not_overwritten(predict, run, toy_root, tmp_path):
    predict(toy_root / "a00_t2.nii.gz")
    side = tmp_path / "out/sub-a00/anat/sub-a00_desc-blurpostprocessed_scoremap.json"
    side.write_text(json.dumps(json.loads(side.read_text()) | {"Model": "0" * 12}))
    code, _, err = predict(toy_root / "a00_t2.nii.gz")
    assert code == 2 and "UB232" in err


def changed(run, tmp_path, **spec):
    """A copy of the run whose specification says something else, sealed again as a forger would."""
    from uad_bench.results.run_directory import RunDir

    copy = RunDir(tmp_path / "models" / "toy" / "m" / "seed0-x")
    shutil.copytree(run.path, copy.path)
    values = json.loads((copy.path / "spec.json").read_text())["spec"] | spec
    (copy.path / "spec.json").unlink()
    (copy.path / "spec.yaml").write_text(strict_yaml.dump(values))
    status = copy.status()
    copy.complete(**{key: value for key, value in status.items() if key != "state"})
    return copy.path


def test_no_foreign_code_is_imported_without_trust(predict, run, toy_root, tmp_path):
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'mark')!r}, 'w').close()")
    model = changed(run, tmp_path, target=f"{evil}:Evil")
    code, _, err = predict(toy_root / "a00_t2.nii.gz", model=model)
    assert code == 5 and "UB502" in err and "--trust" in err
    assert not (tmp_path / "mark").exists() and not (tmp_path / "out").exists()


def test_a_plug_in_that_is_not_installed_is_named(predict, run, toy_root, tmp_path):
    model = changed(run, tmp_path, target="not_there_uad.thing:Thing", source="not-there-uad")
    code, _, err = predict(toy_root / "a00_t2.nii.gz", model=model)
    assert code == 4 and "UB411" in err and "not-there-uad" in err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["fitted.json", "thresholds.csv", "env.json"])
def test_a_forged_file_of_a_run_is_one_line(predict, run, toy_root, tmp_path, name):
    from uad_bench.results.run_directory import RunDir

    copy = RunDir(changed(run, tmp_path))
    (copy.path / name).write_text('{"a": 1' if name != "thresholds.csv" else "rule\nhealthy_q98\n")
    copy.complete(**{key: value for key, value in copy.status().items() if key != "state"})
    code, _, err = predict(toy_root / "a00_t2.nii.gz", model=copy.path)
    assert (
        code == 5
        and err.count("error[UB5") == 1
        and "Traceback" not in err
        and not (tmp_path / "out").exists()
    )


def test_a_folder_that_is_no_run_and_an_edited_model_are_refused(predict, run, toy_root, tmp_path):
    code, _, err = predict(toy_root / "a00_t2.nii.gz", model=toy_root)
    assert code == 2 and "UB252" in err
    copy = changed(run, tmp_path)
    weights = next(path for path in (copy / "model").rglob("*") if path.is_file())
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    code, _, err = predict(toy_root / "a00_t2.nii.gz", model=copy)
    assert code == 5 and "UB508" in err and not (tmp_path / "out").exists()


MAP = "out/sub-{0}/anat/sub-{0}_desc-blurpostprocessed_scoremap.nii.gz"


def edit(path, change=lambda a: a, affine=AFFINE, qform=None):
    """Write a file again with other voxels or another header."""
    image = nib.Nifti1Image(change(loaded(path)), affine)
    image.set_sform(affine, 1)
    image.set_qform(affine if qform is None else qform, 1)
    nib.save(image, path)


@pytest.fixture
def scan(tmp_path):
    (tmp_path / "in").mkdir()
    write_case(tmp_path / "in", "a07", np.random.default_rng(7))
    return tmp_path / "in" / "a07_t2.nii.gz"


def sidecar(tmp_path, name="a07"):
    return json.loads((tmp_path / MAP.format(name)).with_suffix("").with_suffix(".json").read_text())


TURNED = np.diag([-6.0, 6.0, 6.0, 1.0])


def other_affine(scan):
    edit(scan, affine=np.diag([5.9, 6.0, 6.0, 1.0]))


def other_codes(scan):
    image = nib.load(scan)
    header = nib.Nifti1Image(loaded(scan), AFFINE)
    header.set_sform(AFFINE, 4)
    assert image.get_sform(coded=True)[1] != 4
    nib.save(header, scan)


def smaller_mask(scan):
    edit(
        scan.with_name("a07_brain.nii.gz"),
        lambda a: a * (np.arange(a.shape[0]) > 4)[:, None, None].astype("u1"),
    )


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (other_affine, (), ()),
        (other_codes, (), ()),
        (smaller_mask, ("--brain-mask", "in/a07_brain.nii.gz"), ("--brain-mask", "in/a07_brain.nii.gz")),
        (None, (), ("--brain-mask", "in/a07_brain.nii.gz")),
        (None, (), ("--stripped",)),
    ],
)
def test_a_map_is_made_again_after_a_change_of_its_scan_but_its_voxels(
    predict, scan, tmp_path, change, before, after
):
    assert predict(scan, *before)[0] == 0
    if change:
        change(scan)
    code, _, err = predict(scan, *after)
    assert (
        code == 0 and "predicted already" not in err and "predicted again: the map in the folder is of" in err
    )
    kept = {p.name: p.read_bytes() for p in (tmp_path / "out").rglob("*.*") if p.is_file()}
    predict(scan, *after, "--fresh")
    assert kept == {p.name: p.read_bytes() for p in (tmp_path / "out").rglob("*.*") if p.is_file()}
    assert "predicted already" in predict(scan, *after)[2]


def test_another_orientation_gives_another_map(predict, scan, tmp_path):
    turned = TURNED.copy()
    turned[0, 3] = 6.0 * (SHAPE[0] - 1)
    edit(scan, qform=turned)
    maps = []
    for word in ("sform", "qform"):
        code, _, err = predict(scan, "--orientation", word)
        assert code == 0 and "predicted already" not in err
        assert sidecar(tmp_path)["Declared"]["Orientation"] == word
        maps.append(sidecar(tmp_path)["FilesSha256"])
    assert ("predicted again" in err) and maps[0] != maps[1]


@pytest.mark.parametrize("fails", ["brain_mask.nii.gz", "brain_mask.json", "scoremap.nii.gz", "last"])
def test_a_prediction_that_a_full_disk_cut_off_is_not_finished(predict, scan, tmp_path, monkeypatch, fails):
    from uad_bench.pipeline.predict import files
    from uad_bench.support.atomic_files import cannot_write

    assert predict(scan)[0] == 0
    edit(scan, affine=np.diag([5.9, 6.0, 6.0, 1.0]))

    def limited(write):
        def writer(path, value, *words):
            if path.name.endswith(fails) or (fails == "last" and "Background" in str(value)):
                raise cannot_write(OSError(27, "File too large"), path)
            write(path, value, *words)

        return writer

    with monkeypatch.context() as patch:
        for name in ("write_json", "write_volume"):
            patch.setattr(files, name, limited(getattr(files, name)))
        code, _, err = predict(scan)
    assert code == 6 and "cannot write" in err
    assert (tmp_path / "out/predictions.tsv").read_text().count("\n") == 1
    code, _, err = predict(scan)
    assert code == 0 and "predicted again: the prediction in the folder was not finished" in err
    assert "predicted already" in predict(scan)[2]


def test_a_file_that_was_exchanged_and_a_map_of_an_earlier_version_are_made_again(predict, scan, tmp_path):
    predict(scan, "--prepared-grid")
    (raw,) = (tmp_path / "out").rglob("*raw_scoremap.nii.gz")
    data = raw.read_bytes()
    raw.write_bytes(b"else")
    assert f"predicted again: not there, or changed: {raw.name}" in predict(scan, "--prepared-grid")[2]
    assert raw.read_bytes() == data
    edit(scan, affine=np.diag([5.9, 6.0, 6.0, 1.0]))
    predict(scan)  # without --prepared-grid
    assert raw.read_bytes() != data
    side = (tmp_path / MAP.format("a07")).with_suffix("").with_suffix(".json")
    about = sidecar(tmp_path)
    side.write_text(json.dumps({key: about[key] for key in about if key != "FilesSha256"}))
    assert "of an earlier version" in predict(scan)[2]


def test_the_map_of_another_scan_of_that_name_is_replaced_by_fresh_alone(predict, scan, toy_root, tmp_path):
    predict(scan)
    before = (tmp_path / MAP.format("a07")).read_bytes()
    edit(scan, lambda a: a[::-1])
    code, _, err = predict(scan, toy_root / "a00_t2.nii.gz")
    assert code == 7 and "a map of another scan exists already, its id is a07" in err and "--fresh" in err
    assert (tmp_path / MAP.format("a07")).read_bytes() == before
    code, _, err = predict(scan)
    assert code == 2 and "UB232" in err
    code, _, err = predict(scan, "--id", "a-07")
    assert code == 2 and "UB232" in err
    assert predict(scan, "--fresh")[0] == 0
    assert (tmp_path / MAP.format("a07")).read_bytes() != before


def test_the_interface_replaces_no_map_of_another_scan(predict, run, scan, tmp_path):
    from uad_bench import api
    from uad_bench.errors import UsageError

    words = {"to": tmp_path / "out", "trusted": TRUST[1:], "device": "cpu"}
    api.predict(run.path, scan, **words)
    edit(scan, lambda a: a[::-1])
    with pytest.raises(UsageError, match="a map of another scan"):
        api.predict(run.path, scan, **words)


def test_a_name_that_is_no_id_and_a_missing_modality_stop_no_other_scan(predict, toy_root, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("ok_T2w", "my scan_T2w", "_x_T2w"):
        shutil.copy(toy_root / "a00_t2.nii.gz", folder / f"{name}.nii.gz")
    shutil.copy(toy_root / "a00_t2.nii.gz", tmp_path / "b_T1w.nii.gz")
    code, out, err = predict(folder, tmp_path / "b_T1w.nii.gz")
    assert code == 7 and "1 map in out" in out and "3 of 4 scans have no map" in err
    assert (
        "the id 'my scan' cannot be used" in err
        and "the id '_x' cannot be used" in err
        and "the scan has t1" in err
    )


def test_a_model_that_is_not_there_or_one_level_too_high_is_no_complete_run(predict, scan, tmp_path):
    code, _, err = predict(scan, model=tmp_path / "nothere")
    assert code == 2 and "UB252" in err and "--out" not in err
    (tmp_path / "name" / "0123").mkdir(parents=True)
    (tmp_path / "name" / "0123" / "manifest.json").touch()
    code, _, err = predict(scan, model=tmp_path / "name")
    assert code == 2 and "UB252" in err and "holds 1 bundles" in err and "name/0123" in err


def test_the_hint_of_a_header_names_the_option(predict, scan):
    edit(scan, qform=TURNED)
    code, _, err = predict(scan)
    assert code == 3 and "UB325" in err and "--orientation" in err


def test_what_the_reader_changed_is_in_the_json_and_said_each_time(predict, scan, tmp_path):
    apart = AFFINE.copy()
    apart[0, 3] = 12
    edit(scan, qform=apart)
    for _ in range(2):
        code, _, err = predict(scan, "--stripped", "--no-sheet")
        assert code == 0 and err.count("12 mm (2 voxels) apart; the sform is read") == 1
        assert any("the sform is read" in text for text in sidecar(tmp_path)["Warnings"])
