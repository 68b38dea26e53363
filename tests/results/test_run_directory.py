"""Run directories: tables and maps read back equal, damage is told."""

import json

import numpy as np
import pytest

from uad_bench import config
from uad_bench.errors import EnvironmentFault, IntegrityError, UsageError
from uad_bench.results import run_directory
from uad_bench.results.find_runs import find_runs


@pytest.fixture
def spec():
    protocol = config.load_protocol("phantom")
    return config.RunSpec(
        method="m:v", target="a:B", parameters={"lr": 1e-3}, protocol=protocol, test=("phantom",), seed=1
    )


@pytest.fixture
def run(tmp_path, spec):
    return run_directory.run_dir(tmp_path, spec, "cohort")


def test_the_spec_reads_back_equal(run, spec):
    run.write_spec(spec)
    assert run.spec() == spec
    assert run.path.parent.name == "m-v"


def test_an_edited_spec_is_read_from_its_yaml_and_not_from_the_copy(run, spec):
    run.write_spec(spec)
    path = run.path / "spec.yaml"
    path.write_text(path.read_text().replace("seed: 1", "seed: 2"))
    assert run.spec().seed == 2
    (run.path / "spec.json").write_text("{")
    assert run.spec().seed == 2


def test_an_edited_copy_of_the_spec_is_refused(run, spec):
    run.write_spec(spec)
    run.seal()
    path = run.path / "spec.json"
    path.write_text(path.read_text().replace('"seed": 1', '"seed": 2'))
    with pytest.raises(IntegrityError, match=r"spec\.json"):
        run.verify()


def test_a_changed_model_matters_only_where_it_is_asked_for(run, spec):
    run.write_spec(spec)
    (run.path / "model").mkdir()
    (run.path / "model" / "state.npz").write_bytes(b"1")
    run.seal()
    (run.path / "model" / "state.npz").write_bytes(b"2")
    run.verify(model=False)
    with pytest.raises(IntegrityError, match=r"state\.npz"):
        run.verify()


def test_a_map_reads_back_to_the_bit_and_is_zero_outside_the_brain(run):
    rng = np.random.default_rng(0)
    brain = rng.random((5, 6, 7)) > 0.5
    values = rng.normal(size=brain.shape).astype(np.float32)
    run.write_map("d", "c", values, brain)
    assert np.array_equal(run.read_map("d", "c"), np.where(brain, values, np.float32(0)))


@pytest.mark.parametrize("largest", [3.4028235e38, 7e4, 1.0, 1e-30])
def test_a_map_of_16_bits_keeps_11_of_precision_and_the_order(run, largest):
    values = np.random.default_rng(0).normal(size=(9, 9, 9))
    values = (values / np.abs(values).max() * np.float32(largest)).astype(np.float32)
    brain = np.ones(values.shape, bool)
    run.write_map("d", "c", values, brain, bits=16)
    found = run.read_map("d", "c")
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, values, rtol=2**-11, atol=0)
    order = np.argsort(values, axis=None)
    assert (np.diff(found.ravel()[order].astype(np.float64)) >= 0).all()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", None])
def test_a_damaged_or_missing_map_is_told(run, damage):
    path = run.map_path("d", "c")
    path.parent.mkdir(parents=True)
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(IntegrityError, match="no readable anomaly map"):
        run.read_map("d", "c")


def test_numbers_in_tables_read_back_equal_and_none_is_empty(run):
    rows = [{"a": 0.1 + 0.2, "b": None}, {"a": 1e-300, "b": "x,y"}]
    run.write_table("t.csv", ("a", "b"), rows)
    back = run.table("t.csv")
    assert [float(row["a"]) for row in back] == [0.1 + 0.2, 1e-300]
    assert [row["b"] for row in back] == ["", "x,y"]


def test_an_edited_result_is_refused(run, spec):
    run.write_spec(spec)
    run.write_table("metrics.csv", ("a",), [{"a": 0.5}])
    run.seal()
    run.verify()
    (run.path / "metrics.csv").write_text("a\n0.9\n")
    with pytest.raises(IntegrityError, match=r"metrics\.csv was changed"):
        run.verify()


def test_an_edited_map_is_found_when_asked(run, spec):
    run.write_spec(spec)
    run.write_map("d", "c", np.ones((2, 2, 2), np.float32), np.ones((2, 2, 2), bool))
    run.seal()
    run.map_path("d", "c").write_bytes(b"other")
    run.verify()
    with pytest.raises(IntegrityError, match="maps/d/c"):
        run.verify(maps=True)


def test_a_torn_status_is_told(run):
    (run.path / "status.json").write_text('{"state": "comp')
    with pytest.raises(IntegrityError, match=r"no readable status\.json"):
        _ = run.state


def test_two_processes_cannot_hold_one_run(run):
    with (
        run.locked(),
        pytest.raises(EnvironmentFault, match="in use"),
        run_directory.RunDir(run.path).locked(),
    ):
        pass


def test_clearing_keeps_the_lock(run):
    (run.path / "lock").touch()
    run.set_state("failed", error="x")
    run.clear()
    assert [p.name for p in run.path.iterdir()] == ["lock"]
    assert run.state == "new"


def test_json_is_strict(run):
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.set_state("complete", score=float("nan"))
    run.set_state("complete", score=0.5)
    assert json.loads((run.path / "status.json").read_text())["score"] == 0.5


def test_a_folder_that_cannot_be_made_is_told(tmp_path, spec):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault) as caught:
        run_directory.run_dir(tmp_path / "file", spec, "c")
    assert caught.value.exit_code == 6


def test_runs_are_found_below_a_folder(tmp_path, run, spec):
    run.write_spec(spec)
    assert [r.path for r in find_runs([tmp_path])] == [run.path]
    with pytest.raises(UsageError, match="no such folder"):
        find_runs([tmp_path / "none"])


def test_links_to_folders_are_followed_and_each_run_is_found_once(tmp_path, run, spec):
    run.write_spec(spec)
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "a").symlink_to(run.path.parents[1], target_is_directory=True)
    (shelf / "b").symlink_to(run.path, target_is_directory=True)
    (shelf / "up").symlink_to(tmp_path, target_is_directory=True)  # a loop
    (found,) = find_runs([shelf])
    assert found.path.samefile(run.path) and found.path.parts[: len(shelf.parts)] == shelf.parts
    (tmp_path / "a-link").symlink_to(run.path.parents[1], target_is_directory=True)
    # The folder itself before a link to it.
    assert [r.path for r in find_runs([tmp_path, shelf])] == [run.path]


def test_draws_read_back_equal_whatever_the_names_and_damage_is_told(run):
    draws = {
        ("d|x", "a|b", "ap.pooled"): np.arange(3.0),
        ("d", "all", "dice.pooled@tune"): np.array([1, np.nan, 0]),
    }
    run.write_draws(draws)
    found = run.draws()
    assert found.keys() == draws.keys()
    assert all(np.array_equal(found[key], draws[key], equal_nan=True) for key in draws)
    run.write_draws({})
    assert run.draws() == {}
    (run.path / "draws.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(IntegrityError, match="no readable draws"):
        run.draws()
