"""What `predict` refuses: one line each, nothing written, and other scans are not stopped."""

import json
import re
import shutil

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.toy_data import AFFINE, SHAPE
from uad_bench.support import strict_yaml


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


def test_a_folder_of_another_program_is_refused_before_any_work(predict, scan, tmp_path, monkeypatch):
    from uad_bench.pipeline.predict import predict as module

    monkeypatch.setattr(module, "prepare_cases", None)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/dataset_description.json").write_text('{"Name": "raw"}')
    code, _, err = predict(scan)
    assert code == 2 and err.count("the folder holds another dataset") == 1 and "UB231" in err
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "out").touch()
    code, _, err = predict(scan)
    assert code == 6 and "name another folder with --to" in err


def test_an_error_of_a_library_stops_no_other_scan(predict, toy_root, tmp_path, monkeypatch):
    from uad_bench.pipeline.predict import files

    draw = files._draw

    def fails(model, one, path):
        if one.case_id == "a00":
            raise RuntimeError("no font")
        draw(model, one, path)

    monkeypatch.setattr(files, "_draw", fails)
    code, out, err = predict(toy_root / "a00_t2.nii.gz", toy_root / "a01_t2.nii.gz")
    assert code == 7 and "1 map in out" in out and "cannot be predicted: RuntimeError: no font (a00)" in err


def test_an_interrupted_call_leaves_a_table_of_the_maps_that_are_there(
    predict, toy_root, tmp_path, monkeypatch
):
    from uad_bench.pipeline.predict import predict as module

    first = module.predict_one

    def interrupted(model, ready):
        if ready.case.case_id == "a01":
            raise KeyboardInterrupt
        return first(model, ready)

    monkeypatch.setattr(module, "predict_one", interrupted)
    code, _, _ = predict(toy_root / "a00_t2.nii.gz", toy_root / "a01_t2.nii.gz")
    lines = (tmp_path / "out/predictions.tsv").read_text().splitlines()
    assert code == 130 and [line.split("\t")[0] for line in lines[1:]] == ["a00"]
