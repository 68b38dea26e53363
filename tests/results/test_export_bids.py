"""Maps on the grids of their files: the right place, the right names, nothing of anybody else's overwritten."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import typer

from tests.helpers.toy_data import make, write_case
from uad_bench.cli import export as export_verb
from uad_bench.cohort.discovery import Sources
from uad_bench.cohort.gather import gather
from uad_bench.data.nifti.read import read_any
from uad_bench.errors import DataError, IntegrityError, PartialFailure, UsageError
from uad_bench.pipeline.matrix import Matrix
from uad_bench.results.csv_tables import SPLIT_COLUMNS, THRESHOLD_COLUMNS
from uad_bench.results.export_bids import export, plan
from uad_bench.results.run_directory import run_dir

HERE = Path(__file__).parents[1] / "helpers"
DATA = str(HERE / "toy_data.py")
FLIP = np.array([[-6, 0, 0, 138], [0, -6, 0, 162], [0, 0, 6, 0], [0, 0, 0, 1.0]])


def flipped(root):
    """Every second case with its voxels stored from the right and the front: axes LPS."""
    for path in sorted(root.glob("*[02468]_*.nii.gz")):
        image = nib.load(path)
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[::-1, ::-1], FLIP), path)
    return root


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return flipped(make(tmp_path_factory.mktemp("toy")))


@pytest.fixture(scope="module")
def sources(data, tmp_path_factory):
    return Sources(tmp_path_factory.mktemp("cache"), {"toy_data": data})


@pytest.fixture(scope="module")
def run(sources, tmp_path_factory):
    """A run whose maps are the prepared images themselves, as `uad-bench run thresh:raw` leaves it."""
    settings = [(["protocol", "train"], DATA), (["protocol", "test"], [DATA]),
                (["protocol", "splits", "tune"], {DATA: 0.4})]  # fmt: skip
    (spec,) = Matrix(["thresh:raw"], (0,), str(HERE / "toy.yaml"), (), settings=settings).specs()
    cohort = gather(spec, sources)
    run = run_dir(tmp_path_factory.mktemp("runs"), spec, cohort.digest)
    run.write_spec(spec)
    run.write_table("splits.csv", SPLIT_COLUMNS, cohort.rows())
    for member in cohort.scored:
        scan = member.prepared.scan()
        run.write_map(member.case.dataset, member.case.case_id, scan.image[0], scan.brain_mask)
    rules = [("healthy_q98", 0.9, ""), ("oracle_case", None, ""), ("tune", None, "no_tune")]
    rows = [
        {"dataset": "toy_data", "rule": r, "value": v, "n_cases": 1, "oracle": False, "reason": why}
        for r, v, why in rules
    ]
    run.write_table("thresholds.csv", THRESHOLD_COLUMNS, rows)
    run.seal()
    run.set_state("complete")
    return run


def cases_of(run, role="test"):
    return [row["case_id"] for row in run.table("splits.csv") if row["role"] == role]


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


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


@pytest.fixture
def verb(sources, monkeypatch):
    """verb(words ...): `export` as a person types it; its error is raised."""
    monkeypatch.setenv("UAD_BENCH_CACHE", str(sources.cache))
    monkeypatch.setattr(sys, "argv", ["export"])
    app = typer.Typer()
    app.command()(export_verb.export)
    data = ["--data", f"{DATA}={sources.roots['toy_data']}", "--workers", "1"]
    return lambda *words: app([*map(str, words), *data], standalone_mode=False)


def test_a_run_that_is_not_complete_is_named_and_the_exit_code_says_so(run, verb, tmp_path, capsys):
    for name in ("seed0-00000000", "seed1-00000000"):
        copy = type(run)(shutil.copytree(run.path, tmp_path / "p/thresh-raw" / name))
    copy.set_state("failed")
    with pytest.raises(PartialFailure, match="1 of 2 runs are not complete and are left out"):
        verb(tmp_path, "--to", tmp_path / "o")
    out, err = capsys.readouterr()
    assert f"{len(cases_of(run))} maps of 1 runs" in out
    assert "left out: p/thresh-raw/seed1-00000000 is not complete, its state is 'failed'" in err


@pytest.mark.parametrize(
    ("wanted", "rule", "words"),
    [
        (["a99"], "", "unknown scored case 'a99'"),
        ((), "healthy_q97", "did you mean healthy_q98"),
        ((), "oracle_case", "one for each case"),
        ((), "tune", "no_tune"),
    ],
)
def test_what_the_run_does_not_have_is_refused_before_anything_is_written(
    run, sources, tmp_path, wanted, rule, words
):
    with pytest.raises(UsageError, match=words):
        export([run], tmp_path / "out", sources, wanted, rule)
    assert not (tmp_path / "out").exists()


def test_a_training_case_has_no_map(run, sources, tmp_path):
    with pytest.raises(UsageError, match="unknown scored case"):
        export([run], tmp_path, sources, cases_of(run, "train")[:1], "")


def test_a_map_of_another_run_is_not_overwritten(run, sources, tmp_path):
    export([run], tmp_path, sources, (), "")
    export([run], tmp_path, sources, (), "")
    other = shutil.copytree(run.path, tmp_path / "p/thresh-raw/seed1-00000000")
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    with pytest.raises(UsageError, match="exists already") as caught:
        export([type(run)(other)], tmp_path, sources, (), "")
    assert caught.value.code == "UB232"
    with pytest.raises(UsageError, match="would both be"):
        export([run, type(run)(other)], tmp_path / "new", sources, (), "")
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


def test_subjects_that_share_a_name_without_their_dashes_are_refused(run, sources, tmp_path, monkeypatch):
    items, _ = plan(run, sources, (), "")
    case = replace(items[1].member.case, subject_id="x-1")
    ready = replace(items[1].member.prepared, case=case)
    twin = replace(items[1], member=replace(items[1].member, prepared=ready), name=items[0].name)
    monkeypatch.setattr("uad_bench.results.export_bids.plan", lambda *_: ([items[0], twin], []))
    first = items[0].member.case.subject_id
    with pytest.raises(UsageError, match=f"toy_data/{first} and toy_data/x-1 would both be sub-{first}"):
        export([run], tmp_path / "out", sources, (), "")
    assert not (tmp_path / "out").exists()


def test_other_data_and_edited_runs_are_refused(run, sources, data, tmp_path):
    other = shutil.copytree(data, tmp_path / "other")
    there = replace(sources, roots={"toy_data": other})
    case_id = cases_of(run)[0]
    write_case(other, case_id, np.random.default_rng(99))
    with pytest.raises(DataError, match="holds other voxels than the run was made on"):
        export([run], tmp_path / "o", there, [case_id], "")
    (other / f"{case_id}_t2.nii.gz").unlink()
    with pytest.raises(DataError, match="is not in the data") as caught:
        export([run], tmp_path / "o", there, [case_id], "")
    assert caught.value.code == "UB306"
    copy = type(run)(shutil.copytree(run.path, tmp_path / "p/m/edited"))
    next((copy.path / "maps").rglob("*.npz")).write_bytes(b"x")
    with pytest.raises(IntegrityError, match="was changed"):
        export([copy], tmp_path / "o", sources, (), "")


def test_cases_that_are_not_what_the_run_was_made_on_do_not_stop_the_others(run, sources, data, tmp_path):
    other = shutil.copytree(data, tmp_path / "other")
    gone, changed, damaged, *rest = cases_of(run)
    write_case(other, changed, np.random.default_rng(99))
    (other / f"{gone}_t2.nii.gz").unlink()
    (other / f"{damaged}_t2.nii.gz").write_bytes(b"x")
    done, errors = export([run], tmp_path / "o", replace(sources, roots={"toy_data": other}), (), "")
    assert done == len(rest) > 0
    assert {error.code for error in errors} == {"UB306", "UB323"} and len(errors) == 3
    assert len(list((tmp_path / "o").rglob("*scoremap.nii.gz"))) == done


def test_a_library_error_of_one_case_does_not_stop_the_others(run, sources, tmp_path, monkeypatch):
    def write(item, to):
        if item.member.case.case_id == cases_of(run)[0]:
            raise ValueError("of a library")

    monkeypatch.setattr("uad_bench.results.export_bids.write", write)
    done, (error,) = export([run], tmp_path / "o", sources, (), "")
    assert done == len(cases_of(run)) - 1
    assert "ValueError: of a library" in str(error) and cases_of(run)[0] in str(error)


def test_one_case_that_fails_does_not_stop_the_others(run, verb, tmp_path, capsys):
    first = cases_of(run)[0]
    in_the_way = tmp_path / f"sub-{first}/anat/sub-{first}_desc-threshraw_scoremap.nii.gz"
    in_the_way.mkdir(parents=True)
    with pytest.raises(PartialFailure, match="1 maps cannot be written"):
        verb(run.path, "--to", tmp_path)
    out, err = capsys.readouterr()
    assert f"{len(cases_of(run)) - 1} maps of 1 runs" in out and f"sub-{first}" in err
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_map_without_a_sidecar_is_never_replaced(run, sources, tmp_path):
    export([run], tmp_path, sources, (), "")
    path = sorted(tmp_path.rglob("*_scoremap.nii.gz"))[0]
    path.with_name(path.name.replace(".nii.gz", ".json")).unlink()
    path.write_bytes(b"of another program")
    with pytest.raises(UsageError, match="without a readable JSON file") as raised:
        export([run], tmp_path, sources, (), "")
    assert raised.value.code == "UB232" and path.read_bytes() == b"of another program"
