"""A model travels as a bundle: the maps are those of the run bit by bit, and nothing else of the run travels."""

import json
import re
import shutil

import nibabel as nib
import numpy as np
import pytest
import yaml

from tests.helpers.bundles import copied, tree
from uad_bench.errors import UsageError
from uad_bench.pipeline.predict.model import open_model
from uad_bench.weights.bundle import open_bundle
from uad_bench.weights.card import Said
from uad_bench.weights.model_bundle import open_model_bundle
from uad_bench.weights.pack import pack
from uad_bench.weights.portable import changed_texts


def a_test_scan(run):
    return next(row["case_id"] for row in run.table("splits.csv") if row["role"] == "test")


def raw_maps(folder):
    return [np.asarray(nib.load(path).dataobj) for path in sorted(folder.rglob("*raw_scoremap.nii.gz"))]


def test_push_pull_predict_gives_the_map_of_the_run_bit_by_bit(verb, run, toy_root, tmp_path):
    code, out, err = verb("weights", "push", run.path, "--to", "shelf", "--name", "tiny")
    assert code == 0, err
    name = out.splitlines()[0]
    assert re.fullmatch(r"tiny@[0-9a-f]{64}", name)
    code, out, err = verb("weights", "pull", name[:17], "--from", "shelf")
    assert code == 0 and name in out, err
    case_id = a_test_scan(run)
    scan, mask = (toy_root / f"{case_id}_{word}.nii.gz" for word in ("t2", "brain"))
    words = (scan, "--brain-mask", mask, "--prepared-grid", "--no-sheet", "--to")
    for to, model in (("a", name[:17]), ("b", tmp_path / "shelf" / name.replace("@", "/"))):
        code, _, err = verb("predict", model, *words, to)
        assert code == 0 and "other code" not in err, err
        (raw,) = raw_maps(tmp_path / to)
        assert raw.tobytes() == run.read_map("toy_data", case_id).tobytes()
    assert tree(tmp_path / "a").keys() == tree(tmp_path / "b").keys()
    side = json.loads(next((tmp_path / "a").rglob("*postprocessed_scoremap.json")).read_text())
    assert side["Run"] == name[:17] and side["Model"] == open_model(run.path).identity


def test_push_says_which_texts_it_shortens(verb, run, bundle, tmp_path):
    code, _, err = verb("weights", "push", run.path, "--to", "shelf", "--name", "tiny")
    assert code == 0 and "protocol.train is written as 'toy_data.py', without its folder" in err
    assert changed_texts(run.spec()) and changed_texts(open_model_bundle(bundle.folder).spec()) == []
    values = {
        "a": {"/x/n.pth": ["~/y.bin", "org/net-v2.5", "cosine/linear"]},
        "b": "weights/net.CKPT",
        "c": "C:\\n.pth",
    }
    spec = run.spec().model_copy(update={"parameters": values})
    found = {(key, new) for key, _, new in changed_texts(spec) if key.startswith("parameters")}
    assert found == {("parameters.a", "n.pth"), ("parameters.a.n.pth.0", "y.bin"), ("parameters.b", "net.CKPT"),
                     ("parameters.c", "n.pth")}  # fmt: skip


def test_equal_models_give_equal_bundles(bundle, run, tmp_path):
    again = pack(run.path, Said(name="tiny"), tmp_path)
    assert again.digest == bundle.digest and tree(again.folder) == tree(bundle.folder)
    other = pack(run.path, Said(name="tiny", terms="ask us"), tmp_path)
    assert other.digest != again.digest


def test_a_bundle_holds_no_path_and_no_scan(bundle, run, toy_root):
    ids = {row["case_id"] for row in run.table("splits.csv")}
    for name, content in tree(bundle.folder).items():
        if content is not None and not name.startswith("model/"):
            text = content.decode()
            assert not [word for word in (str(toy_root), str(run.path), "/tmp") if word in text], name
            assert not [one for one in ids if re.search(rf"\b{one}\b", text)], name
    assert "saw" in json.loads((bundle.folder / "fitted.json").read_text())[0]


def test_the_model_and_its_landmarks_are_those_of_the_run(bundle, run):
    one, other = open_model(run.path), open_model(bundle.folder)
    assert one.identity == other.identity == bundle.manifest.model.identity
    assert [dict(step) for step in one.steps] == [dict(step) for step in other.steps]
    assert any("landmarks" in step for step in other.steps)
    assert one.thresholds == other.thresholds != ()


def test_the_card_states_data_terms_seed_scores_and_needs(bundle, run):
    page = (bundle.folder / "README.md").read_text()
    (primary,) = [
        row for row in run.table("metrics.csv") if (row["group"], row["metric"]) == ("all", "ap.pooled")
    ]
    for words in (
        "6 scans of 6 subjects", "| terms of the training data | not recorded; contact the authors", "| seed | 0 |",
        f"| toy_data | all | ap.pooled | {float(primary['value']):.4g} |", run.spec().protocol.fingerprint,
        "| needs | uad-bench", "not a diagnosis", "healthy_q98", " scans, one seed, no confidence interval).",
    ):  # fmt: skip
        assert words in page
    assert "oracle" not in page


def test_a_license_cannot_change_the_front_matter_of_the_card(run, tmp_path):
    said = Said(name="tiny", license="mit\nlibrary_name: other # 'x'")
    front = (pack(run.path, said, tmp_path).folder / "README.md").read_text().split("---")[1]
    assert yaml.safe_load(front)["license"] == said.license
    assert yaml.safe_load(front)["library_name"] == "uad-bench"


def test_a_pushed_run_is_there_already_and_a_bundle_can_be_pushed_on(verb, bundle, run, tmp_path):
    verb("weights", "push", run.path, "--to", "shelf", "--name", "tiny")
    before = tree(tmp_path / "shelf")
    code, out, _ = verb("weights", "push", run.path, "--to", "shelf", "--name", "tiny")
    assert code == 0 and "was there already" in out and tree(tmp_path / "shelf") == before
    code, out, _ = verb("weights", "push", bundle.folder, "--to", "other")
    assert code == 0 and tree(tmp_path / "other") == before
    code, _, err = verb("weights", "push", bundle.folder, "--to", "other", "--license", "mit")
    assert code == 2 and "part of its digest" in err


def test_a_name_that_no_bundle_may_have_is_said_and_nothing_is_written(verb, run, tmp_path):
    for name in ("../x", "Tiny", "a b"):
        code, _, err = verb("weights", "push", run.path, "--to", "shelf", "--name", name)
        assert code == 2 and f"error[UB205]: '{name}' is no name for weights" in err
    assert not list(tmp_path.rglob("*.json"))


def test_list_and_verify_show_what_is_there(verb, bundle, tmp_path):
    copied(bundle.folder, tmp_path / "store")
    code, out, _ = verb("weights", "list")
    assert code == 0 and f"{bundle.label}" in out and "dae seed 0, toy, t2; needs uad-bench" in out
    assert "1 bundle in" in out
    assert (
        verb("weights", "list", "--from", bundle.folder.parents[1])[1].splitlines()[0] == out.splitlines()[0]
    )
    code, out, _ = verb("weights", "verify")
    assert code == 0 and f"intact: {bundle.label}" in out
    assert verb("weights", "verify", bundle.label, bundle.folder)[1].count("intact: ") == 2
    for folder in ("store", "store/tiny"):  # a folder of bundles, and of those of one name
        code, out, _ = verb("weights", "verify", folder)
        assert code == 0 and f"intact: {bundle.label}" in out and "1 bundle is intact" in out
    for folder in ("store", "store/tiny", f"store/tiny/{bundle.digest}"):
        code, out, _ = verb("weights", "list", "--from", folder)
        assert code == 0 and bundle.label in out and "1 bundle in" in out


def test_the_example_on_the_page_of_a_bundle_names_scans_with_their_modality(bundle):
    assert "uad-bench predict NAME@DIGEST scan_t2.nii.gz " in (bundle.folder / "README.md").read_text()


def test_the_python_interface_takes_bundles(bundle, run, tmp_path, toy_cache, toy_root, monkeypatch):
    from uad_bench import api

    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    monkeypatch.setenv("UAD_BENCH_WEIGHTS", str(bundle.folder.parents[1]))
    case_id = a_test_scan(run)
    (scan,) = api.prepare(toy_root / f"{case_id}_t2.nii.gz", model=bundle.label)
    assert api.score(api.load_model(bundle.label), scan).shape == scan.shape
    with pytest.raises(UsageError, match="no bundle tiny@00000000"):
        api.load_model("tiny@00000000")


def test_a_prediction_with_a_bundle_continues_that_of_its_run(verb, bundle, run, toy_root, tmp_path):
    scan = toy_root / "a00_t2.nii.gz"
    assert verb("predict", run.path, scan, "--to", "out", "--no-sheet")[0] == 0
    code, _, err = verb("predict", bundle.folder, scan, "--to", "out", "--no-sheet")
    assert code == 0 and "predicted already" in err


def test_other_code_than_that_of_the_training_is_said(verb, bundle, toy_root, monkeypatch):
    monkeypatch.setattr("uad_bench.pipeline.predict.model.code_digest", lambda target: "0" * 12)
    code, _, err = verb("predict", bundle.folder, toy_root / "a00_t2.nii.gz", "--no-sheet")
    assert code == 0 and "was trained by other code" in err and "uad-bench" in err


def test_a_bundle_that_is_copied_elsewhere_keeps_its_digest(bundle, tmp_path):
    there = tmp_path / bundle.digest
    shutil.copytree(bundle.folder, there)
    found = open_bundle(there)
    found.verify()
    assert (found.digest, found.manifest) == (bundle.digest, bundle.manifest)


def test_tables_name_the_model_of_a_run_and_of_its_bundle(bundle, run):
    from uad_bench.leaderboard import aggregate
    from uad_bench.leaderboard.collect import summarise
    from uad_bench.leaderboard.render.render import render

    (table,) = aggregate.tables([summarise(run)])
    identity = bundle.manifest.model.identity
    assert [row.models for row in table.rows] == [(identity,)]
    assert json.loads(render([table], "json", []))["tables"][0]["rows"][0]["models"] == identity
    assert f"model {identity}" in render([table], "html", [])
