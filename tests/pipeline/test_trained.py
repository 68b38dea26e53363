"""A model is trained once: another test set scores with it, and anything that would change it trains again."""

import json
import shutil

import numpy as np
import pytest

from tests.helpers.runs import DATA, execute, matrix
from tests.helpers.toy_data import write_case
from uad_bench.leaderboard.collect import collect
from uad_bench.pipeline import model
from uad_bench.pipeline import run as run_module
from uad_bench.pipeline.matrix import Matrix
from uad_bench.pipeline.trained.key import code_digest, model_key
from uad_bench.results.run_directory import RunDir
from uad_bench.support import environment

OTHER = str(DATA).replace("toy_data.py", "toy_other.py")


@pytest.fixture
def both(place, tmp_path_factory):
    """A workplace that also knows a second dataset."""
    here = place()
    root = tmp_path_factory.mktemp("other")
    for i in range(3):
        write_case(root, f"a{50 + i}", np.random.default_rng(900 + i))
    here.sources.roots["toy_other"] = root
    return here


def specs(*test, **more):
    (spec,) = matrix("Blur", more=[(["protocol", "test"], list(test))], **more)
    return [spec.model_copy(update={"test": test})]


def fits(run):
    return (run.path / "log.txt").read_text().count("fit on")


def numbers(run, dataset):
    return [row for row in run.table("metrics.csv") if row["dataset"] == dataset]


def test_a_second_test_set_is_scored_without_a_fit(both, tmp_path):
    (first,) = execute(specs(DATA), both)
    (second,) = execute(specs(OTHER), both)
    assert fits(first) == 1 and fits(second) == 0
    assert f"the model of {first.name} is used, no fit" in (second.path / "log.txt").read_text()
    assert second.status()["model_of"] == first.name and second.status()["fit_s"] == first.status()["fit_s"]
    second.verify(maps=True)
    apart = both.__class__(tmp_path / "apart", both.sources, threads=1)
    (together,) = execute(specs(DATA, OTHER), apart)
    assert fits(together) == 1
    assert numbers(together, "toy_data") == numbers(first, "toy_data")
    assert numbers(together, "toy_other") == numbers(second, "toy_other")


def test_another_seed_parameter_or_fresh_trains(both):
    (first,) = execute(specs(DATA), both)
    (other,) = execute(specs(OTHER, seeds=(1,)), both)
    assert fits(other) == 1
    fresh = both.__class__(both.out, both.sources, threads=1, fresh=True)
    (again,) = execute(specs(OTHER), fresh)
    assert fits(again) == 1 and model_key(again) == model_key(first) != model_key(other)


def test_an_edited_model_is_not_taken(both, caplog):
    (first,) = execute(specs(DATA), both)
    weights = next(path for path in (first.path / "model").rglob("*") if path.is_file())
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    (second,) = execute(specs(OTHER), both)
    assert fits(second) == 1 and "is not used" in caplog.text


def test_the_key_covers_code_cases_and_machine(both, tmp_path):
    (run,) = execute(specs(DATA), both)
    keys = {model_key(run)}
    for name, old, new in (("env.json", '"threads": 1', '"threads": 2'), ("splits.csv", ",train,", ",tune,"),
                           ("fitted.json", "[]", "[1]"), ("env.json", '"code": "', '"code": "0')):  # fmt: skip
        copy = RunDir(tmp_path / f"copy{len(keys)}")
        shutil.copytree(run.path, copy.path)
        text = (copy.path / name).read_text()
        assert old in text
        (copy.path / name).write_text(text.replace(old, new, 1))
        keys.add(model_key(copy))
    assert len(keys) == 5 and "" not in keys
    env = json.loads((copy.path / "env.json").read_text())
    (copy.path / "env.json").write_text(json.dumps({k: v for k, v in env.items() if k != "code"}))
    assert model_key(copy) == ""


@pytest.fixture
def interrupted(place, monkeypatch):
    """interrupted(minutes): a run that ends after the last step of its training; minutes between checkpoints."""

    def made(minutes):
        with monkeypatch.context() as patch:
            patch.setattr(model, "_store", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                execute(matrix("Blur", checkpoint_minutes=minutes), place())

    return made


def _interrupt(*_words):
    raise KeyboardInterrupt


def test_a_training_that_other_code_continues_is_said_marked_and_not_taken(
    place, interrupted, monkeypatch, caplog
):
    interrupted(0)
    monkeypatch.setattr(run_module, "code_digest", lambda _target: "0" * 12)
    monkeypatch.setattr(environment, "installed", lambda name: "9.9" if name == "torch" else "1.0")
    monkeypatch.setattr(environment, "cpu_model", lambda: "another CPU")
    (run,) = execute(matrix("Blur", checkpoint_minutes=0), place(resume=True))
    changed = ["code", "processor", "torch", "numpy", "scipy", "uad-bench"]
    assert run.environment()["continued_with"] == changed and model_key(run) == ""
    assert "blur seed 0: training that began with other code, processor, torch, " in caplog.text
    assert "began with" in (run.path / "log.txt").read_text()
    (mark,) = collect([run]).runs[0].marks
    assert mark.startswith("blur seed 0: training was continued with other code, processor, torch")


def test_what_changed_is_kept_when_the_training_is_interrupted_again(place, interrupted, monkeypatch):
    interrupted(0)
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "code_digest", lambda _target: "0" * 12)
        patch.setattr(model, "_store", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            execute(matrix("Blur", checkpoint_minutes=0), place(resume=True))
    (run,) = execute(matrix("Blur", checkpoint_minutes=0), place(resume=True))
    assert run.environment()["continued_with"] == ["code"]


@pytest.mark.parametrize("code", ["", "0" * 12])
def test_the_same_code_and_a_training_without_a_checkpoint_are_continued_without_a_word(
    place, interrupted, monkeypatch, caplog, code
):
    interrupted(0)
    if code:
        (folder,) = place().out.rglob("checkpoints")
        shutil.rmtree(folder)
        folder.mkdir()
        monkeypatch.setattr(run_module, "code_digest", lambda _target: code)
    (run,) = execute(matrix("Blur", checkpoint_minutes=0), place(resume=True))
    assert "continued_with" not in run.environment() and model_key(run) and "began with" not in caplog.text
    assert not collect([run]).runs[0].marks


def test_the_code_of_a_method_counts(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("a = 1\n")
    one = code_digest(f"{file}:Mine")
    code_digest.cache_clear()
    file.write_text("a = 2\n")
    assert one != code_digest(f"{file}:Mine") != "" and code_digest("not_there:Mine") == ""
    assert Matrix(["thresh"]).specs()[0].target.startswith("uad_methods")
