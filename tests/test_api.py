"""The Python interface gives the numbers, maps and errors of the command line."""

import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

import uad_bench
from tests.helpers.runs import DATA, HERE, METHODS
from tests.helpers.toy_data import write_case
from uad_bench import api
from uad_bench.errors import DataError, IntegrityError, UsageError
from uad_bench.results.run_directory import RunDir

SETTINGS = {"protocol.train": DATA, "protocol.splits.tune": {DATA: 0.4}, "blur.steps": 5}


@pytest.fixture(scope="module")
def done(tmp_path_factory, toy_root, toy_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UAD_BENCH_CACHE", str(toy_cache))
        yield api.run(
            [f"{METHODS}:Blur", "thresh"], protocol=str(HERE / "toy.yaml"), seeds=[0, 3], test=[DATA],
            data={DATA: toy_root}, settings=SETTINGS, out=tmp_path_factory.mktemp("runs"), device="cpu", workers=1,
        )  # fmt: skip


def test_run_gives_frames_and_finds_its_runs_again(done):
    assert set(done.cases["method"]) == {"blur", "thresh"} and set(done.cases["seed"]) == {0, 3}
    row = done.table.query(
        "method == 'blur [steps=5]' and metric == 'ap.case' and group == 'all' and origin == 'measured'"
    )
    ap = done.cases.query("method == 'blur' and metric == 'ap'").groupby("seed")["value"].mean().mean()
    assert row["mean"].item() == pytest.approx(ap)
    again = api.load_run(*done.runs)
    assert again.cases.equals(done.cases) and again.table.equals(done.table)
    assert done.plot().axes
    with pytest.raises(
        UsageError, match="no values for the figure 'ranks'"
    ):  # which few patients do not give
        done.plot("ranks")
    with pytest.raises(UsageError, match="unknown figure"):
        done.plot("pie")


def model_of(done, word="blur"):
    return next(path for path in done.runs if word in str(path))


def test_predict_gives_the_map_of_the_run_and_writes_on_demand(
    done, toy_root, tmp_path, toy_cache, monkeypatch
):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    folder = model_of(done)
    case_id = next(path.stem for path in sorted(folder.glob("maps/*/a*.npz")))
    model = api.load_model(folder, device="cpu", trusted=[f"{METHODS}:Blur"])
    scan, mask = (toy_root / f"{case_id}_{word}.nii.gz" for word in ("t2", "brain"))
    (one,) = api.predict(model, scan, brain_mask=mask, to=tmp_path)
    values, affine = api.load_map(folder, case_id)
    assert one.case_id == case_id and np.array_equal(one.raw, values)
    written, on_file = api.load_map(
        tmp_path / f"sub-{case_id}/anat/sub-{case_id}_desc-blurpostprocessed_scoremap.nii.gz"
    )
    assert np.array_equal(written, one.map.array) and np.allclose(on_file, nib.load(scan).affine)
    assert np.allclose(np.linalg.norm(affine[:3, :3], axis=0), 6)
    assert one.background < one.map.array[one.brain_mask.array].min()
    with pytest.raises(UsageError, match="unknown case"):
        api.load_map(folder, "nobody")


def test_what_is_none_is_not_said_and_what_cannot_be_changed_is_refused(
    done, toy_root, toy_cache, monkeypatch, caplog
):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    model, scan = api.load_model(model_of(done, "thresh"), device="cpu"), toy_root / "a00_t2.nii.gz"
    for words in ("prepared now", "from the cache"):
        caplog.clear()
        (one,) = api.predict(model, scan, case_id=None, brain_mask=None, orientation=None)
        assert one.case_id == "a00" and "assumed to be stripped" in caplog.text, words
        caplog.clear()
        api.prepare(scan, model=model)
        assert "assumed to be stripped" in caplog.text
    for more in ({"device": "cuda"}, {"threads": 3}):
        with pytest.raises(UsageError, match="the model is loaded already"):
            api.predict(model, scan, **more)
    with pytest.raises(UsageError, match="unknown argument 'foo'"):
        api.predict(model, scan, foo=1)
    with pytest.raises(UsageError, match="a model, which has a protocol of its own"):
        api.prepare(scan, protocol="phantom", model=model)


@pytest.mark.parametrize(("methods", "seeds"), [([], 1), ("thresh", 0), ("thresh", [])])
def test_a_run_of_nothing_is_refused(methods, seeds, tmp_path):
    with pytest.raises(UsageError, match="name one of each or more"):
        api.run(methods, seeds=seeds, out=tmp_path)


def test_a_table_that_is_not_there_cannot_be_drawn(done):
    with pytest.raises(UsageError, match="there is no table 7"):
        done.plot("forest", 7)


def test_an_edited_map_of_a_complete_run_is_refused(done, tmp_path):
    copy = RunDir(shutil.copytree(model_of(done), tmp_path / "p/m/run"))
    first, other = sorted(copy.path.glob("maps/*/a*.npz"))[:2]
    first.write_bytes(other.read_bytes())
    with pytest.raises(IntegrityError, match="was changed after the run") as caught:
        api.load_map(copy.path, first.stem)
    assert caught.value.code == "UB508"
    assert api.load_map(copy.path, other.stem)[0].any()
    copy.set_state("incomplete")  # its maps are not sealed yet
    assert np.array_equal(api.load_map(copy.path, first.stem)[0], api.load_map(copy.path, other.stem)[0])


def test_a_map_needs_the_folder_of_one_run(done, tmp_path):
    with pytest.raises(UsageError, match="the folder is no run directory"):
        api.load_map(tmp_path, "a1")
    first, second = done.runs[:2]
    one = sorted(first.glob("maps/*/a*.npz"))[0].stem
    shutil.copytree(first, tmp_path / "p/m" / first.name)
    assert np.array_equal(api.load_map(tmp_path, one)[0], api.load_map(first, one)[0])
    shutil.copytree(second, tmp_path / "p/m" / second.name)
    with pytest.raises(UsageError, match="2 runs in the folder"):
        api.load_map(tmp_path, one)


def test_runs_that_are_not_complete_are_named_by_load_run(done, tmp_path, caplog):
    copies = [RunDir(shutil.copytree(path, tmp_path / "p/m" / path.name)) for path in done.runs[:2]]
    copies[1].set_state("failed")
    found = api.load_run(tmp_path)
    assert found.runs == (copies[0].path,)
    assert f"left out: {copies[1].name} is not complete, its state is 'failed'" in caplog.text
    with pytest.raises(UsageError, match="no complete run, found: 'failed'"):
        api.load_run(copies[1].path)


def test_a_scan_of_another_protocols_grid_is_refused(done, toy_root, toy_cache, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    model = api.load_model(model_of(done), device="cpu", trusted=[f"{METHODS}:Blur"])
    (scan,) = api.prepare(toy_root / "a00_t2.nii.gz", model=model)
    assert api.score(model, scan).shape == scan.shape
    cut = uad_bench.Scan(
        "x", scan.modalities, scan.image[:, 1:], scan.brain_mask[1:], scan.affine, scan.spacing
    )
    other = uad_bench.Scan("x", ("flair",), scan.image, scan.brain_mask, scan.affine, scan.spacing)
    for wrong, code in ((cut, "UB328"), (other, "UB332")):
        with pytest.raises(DataError) as raised:
            api.score(model, wrong)
        assert raised.value.code == code


def test_prepare_by_a_protocol_that_learns_needs_a_model(tmp_path, toy_cache, monkeypatch):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(toy_cache))
    write_case(tmp_path, "h00", np.random.default_rng(0))
    (scan,) = api.prepare(tmp_path / "h00_t2.nii.gz", protocol=str(HERE / "toy.yaml"))
    assert scan.shape == (24, 28, 20) and 0 <= scan.image.min() < scan.image.max() <= 1
    with pytest.raises(UsageError, match="learns from training scans"):
        api.prepare(tmp_path / "h00_t2.nii.gz", protocol="uad-2mm")


def arrays(seed=0, shift=0.5):
    rng = np.random.default_rng(seed)
    brain = np.ones((12, 12, 12), bool)
    lesion = np.zeros_like(brain)
    lesion[3:6, 3:6, 3:6] = True
    return (rng.random(brain.shape) + shift * lesion).astype(np.float32), lesion, brain


def test_evaluate_takes_maps_of_any_origin():
    from sklearn.metrics import average_precision_score

    cases = [arrays(seed) for seed in range(3)]
    maps, lesions, brains = zip(*cases, strict=True)
    found = api.evaluate(maps, lesions, brains, healthy=[(arrays(9, 0)[0], brains[0])], spacing=(2, 2, 2))
    ap = found.cases.query("metric == 'ap'")["value"].tolist()
    assert ap == pytest.approx([average_precision_score(y.ravel(), x.ravel()) for x, y, _ in cases])
    names = set(found.table["metric"])
    assert {"ap.case", "ap.pooled", "auroc.case", "dice@healthy_q98", "dice@oracle_set"} <= names
    assert found.plot().axes[0].get_yticklabels()


def test_evaluate_refuses_what_it_cannot_count():
    values, lesion, brain = arrays()
    with pytest.raises(DataError, match="of one shape"):
        api.evaluate(values, lesion[1:], brain)
    with pytest.raises(DataError, match="1 NaN"):
        bad = values.copy()
        bad[0, 0, 0] = np.nan
        api.evaluate(bad, lesion, brain)
    with pytest.raises(UsageError, match="2 maps, 1 lesion"):
        api.evaluate([values, values], [lesion], [brain, brain])
    with pytest.raises(UsageError, match="unknown argument 'sede'"):
        api.run("thresh", sede=3)


def test_evaluate_has_no_contrast_without_an_image():
    found = api.evaluate(*arrays(), metrics=["detect_contrast_bright"], thresholds=["oracle_set"])
    assert set(found.cases["reason"]) == {"no_image"} and found.table["value"].isna().all()


@pytest.mark.parametrize("spacing", [(1, 2, 3), tuple(np.array([1, 2, 3])), np.float32([1, 2, 3])])
def test_a_spacing_of_any_kind_of_number_gives_the_same_distances(spacing):
    found = api.evaluate(*arrays(), metrics=["hd95"], thresholds=["oracle_set"], spacing=spacing)
    same = api.evaluate(*arrays(), metrics=["hd95"], thresholds=["oracle_set"], spacing=(1.0, 2.0, 3.0))
    assert found.cases.equals(same.cases)


def test_one_name_is_as_good_as_a_list_of_one():
    word = api.evaluate(*arrays(), metrics="dice", thresholds="oracle_set")
    assert word.cases.equals(api.evaluate(*arrays(), metrics=["dice"], thresholds=["oracle_set"]).cases)


def test_evaluate_names_arguments_of_another_form():
    values, lesion, brain = arrays()
    # It was taken for a healthy scan.
    with pytest.raises(DataError, match="a mask contains negative numbers"):
        api.evaluate(values, np.where(lesion, 255, 0).astype(np.uint8).view(np.int8), brain)
    with pytest.raises(UsageError, match="the spacing is 2"):
        api.evaluate(values, lesion, brain, spacing=2.0)
    with pytest.raises(DataError, match="a mask contains fractions"):  # as in files: a warped mask
        api.evaluate(values, lesion * 0.3, brain)
    with pytest.raises(UsageError, match="healthy000 is no pair"):
        api.evaluate(values, lesion, brain, healthy=[values])


def test_the_functions_are_there_without_loading_anything():
    code = (
        "import sys, uad_bench\n"
        "assert 'numpy' not in sys.modules and 'uad_bench.api' not in sys.modules\n"
        "assert uad_bench.predict is uad_bench.api.predict and uad_bench.Results is uad_bench.api.Results\n"
        "assert not {'torch', 'pandas', 'nibabel', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {"api", "run", "predict"} <= set(dir(uad_bench))
