"""What cannot be exported is named, stops nothing else, and nothing of anybody else is overwritten."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.exports import cases_of, files
from tests.helpers.toy_data import write_case
from uad_bench.errors import DataError, IntegrityError, PartialFailure, UsageError
from uad_bench.results import run_cases
from uad_bench.results.export_bids import export, plan


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
    with pytest.raises(PartialFailure, match="1 maps or runs cannot be exported"):
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


def test_a_run_without_maps_does_not_stop_the_others(run, verb, tmp_path, capsys):
    for name in ("seed0-00000000", "seed1-00000000"):
        bare = shutil.copytree(run.path, tmp_path / "p/thresh-raw" / name)
    shutil.rmtree(bare / "maps")
    sealed = json.loads((bare / "digests.json").read_text())
    kept = {name: one for name, one in sealed.items() if not name.startswith("maps/")}
    (bare / "digests.json").write_text(json.dumps(kept))
    with pytest.raises(PartialFailure, match="1 maps or runs cannot be exported"):
        verb(tmp_path, "--to", tmp_path / "o")
    out, err = capsys.readouterr()
    assert f"{len(cases_of(run))} maps of 2 runs" in out and "the run kept no maps (p/thresh-raw/seed1" in err
    with pytest.raises(DataError, match="the run kept no maps"):
        verb(bare, "--to", tmp_path / "none")


def test_a_run_whose_data_are_not_here_does_not_stop_the_others(run, sources, tmp_path, monkeypatch):
    other = type(run)(shutil.copytree(run.path, tmp_path / "p/thresh-raw/seed1-00000000"))
    here = run_cases.available

    def available(one, rows, known):
        if one.path == other.path:
            raise DataError("no folder is known for dataset 'x'", code="UB301")
        return here(one, rows, known)

    monkeypatch.setattr(run_cases, "available", available)
    done, failed = export([other, run], tmp_path / "o", sources, (), "")
    assert done == len(cases_of(run)) and [error.code for error in failed] == ["UB301"]
