"""What each tracker's program is told, with modules in the place of the programs."""

import sys
from contextlib import suppress
from types import ModuleType, SimpleNamespace

import pytest

from tests.helpers.runs import DATA
from uad_bench.config import RunSpec, load_protocol
from uad_bench.pipeline.trackers import trackers as module
from uad_bench.pipeline.trackers.to_mlflow import MLflow
from uad_bench.pipeline.trackers.to_tensorboard import TensorBoard
from uad_bench.pipeline.trackers.to_wandb import WeightsAndBiases
from uad_bench.pipeline.trackers.tracker import TrackedRun


def tracked(tmp_path, fresh=False):
    facts = {"parameters.steps": 8, "method": "blur"}
    return TrackedRun(tmp_path, "toy/blur/seed0-0123", "blur seed 0", facts, fresh)


def fake(monkeypatch, name, **members):
    one = ModuleType(name)
    vars(one).update(members)
    monkeypatch.setitem(sys.modules, name, one)
    return one


class Calls:
    """An object that records the calls of its methods: (name, positional, keywords)."""

    def __init__(self, **answers):
        self.got, self.answers = [], answers

    def __getattr__(self, name):
        def called(*words, **more):
            self.got.append((name, words, more))
            return self.answers.get(name)

        return called

    def of(self, name):
        return [(words, more) for one, words, more in self.got if one == name]


@pytest.fixture
def wandb(monkeypatch):
    run = Calls()
    top = Calls(init=run)
    fake(monkeypatch, "wandb", init=top.init, Settings=SimpleNamespace)
    return top, run


def test_wandb_gets_losses_facts_and_a_step_axis_for_each_phase(wandb, tmp_path):
    top, run = wandb
    tracker = WeightsAndBiases(tracked(tmp_path))
    tracker.begin("fit", 0)
    tracker.record("fit", 3, {"loss": 0.5, "val": 0.25})
    tracker.close(failed=False)
    ((_, asked),) = top.of("init")
    assert (asked["id"], asked["mode"], asked["resume"]) == ("toy-blur-seed0-0123", "offline", "allow")
    assert asked["config"] == {"parameters.steps": 8, "method": "blur"}
    assert run.of("define_metric") == [(("fit/*",), {"step_metric": "fit/step"})]
    assert run.of("log") == [(({"fit/step": 3, "fit/loss": 0.5, "fit/val": 0.25},), {})]
    assert run.of("finish") == [((), {"exit_code": 0})]


def test_wandb_is_told_of_a_failed_training_and_of_one_that_starts_again(wandb, tmp_path):
    top, run = wandb
    WeightsAndBiases(tracked(tmp_path, fresh=True)).close(failed=True)
    assert top.of("init")[0][1]["resume"] is None
    assert run.of("finish") == [((), {"exit_code": 1})]


@pytest.fixture
def mlflow(monkeypatch):
    """A client that knows one earlier run."""
    run = SimpleNamespace(info=SimpleNamespace(run_id="earlier"))
    new = SimpleNamespace(info=SimpleNamespace(run_id="new"))
    known = SimpleNamespace(experiment_id="1")
    client = Calls(get_experiment_by_name=known, search_runs=[run], create_run=new)
    fake(monkeypatch, "mlflow", MlflowClient=lambda tracking_uri: client)
    fake(monkeypatch, "mlflow.entities", Metric=lambda *words: words)
    return client


def test_mlflow_is_told_how_a_training_ended_and_that_it_goes_on(mlflow, tmp_path):
    MLflow(tracked(tmp_path)).close(failed=True)
    MLflow(tracked(tmp_path)).close(failed=False)
    ended = [(words, more["status"]) for words, more in mlflow.of("set_terminated")]
    assert ended == [(("earlier",), "FAILED"), (("earlier",), "FINISHED")]
    assert mlflow.of("update_run") == [(("earlier",), {"status": "RUNNING"})] * 2


def test_a_training_that_starts_again_is_a_new_run_of_mlflow(mlflow, tmp_path):
    tracker = MLflow(tracked(tmp_path, fresh=True))
    tracker.record("fit", 3, {"loss": 0.5})
    ((words, more),) = mlflow.of("log_batch")
    assert words == ("new",)
    assert [(one[0], one[1], one[3]) for one in more["metrics"]] == [("fit/loss", 0.5, 3)]


@pytest.mark.parametrize("step", [0, 20])
def test_tensorboard_hides_what_was_recorded_from_the_first_step_on(monkeypatch, tmp_path, step):
    writers = Calls(SummaryWriter=Calls())
    fake(monkeypatch, "torch.utils.tensorboard", SummaryWriter=writers.SummaryWriter)
    TensorBoard(tracked(tmp_path)).begin("fit", step)
    assert [more["purge_step"] for _, more in writers.of("SummaryWriter")] == [step]


def test_no_path_is_among_the_facts(tmp_path):
    protocol = load_protocol("phantom", {"train": DATA})
    parameters = {"weights": "/home/somebody/net.pth", "plain": "org/net-v2.5", "steps": 8}
    named = {"method": "x", "target": "x", "seed": 0, "test": protocol.test}
    spec = RunSpec(parameters=parameters, protocol=protocol, **named)
    place = SimpleNamespace(out=tmp_path, fresh=False)
    job = SimpleNamespace(spec=spec, place=place, directory=SimpleNamespace(name="x"), label="x")
    facts = module._tracked(job).facts
    assert (facts["parameters.weights"], facts["parameters.plain"]) == ("net.pth", "org/net-v2.5")
    assert facts["train"] == "toy_data" and not [one for one in facts.values() if "/home" in str(one)]


@pytest.mark.parametrize("stop", [None, ValueError, KeyboardInterrupt])
def test_a_training_that_ends_by_an_exception_is_closed_as_failed(monkeypatch, stop):
    tracker = Calls()
    monkeypatch.setattr(module, "_opened", lambda job: [("one", tracker)])
    with suppress(ValueError, KeyboardInterrupt), module.trackers(SimpleNamespace(directory=None)):
        if stop:
            raise stop
    assert tracker.of("close") == [((), {"failed": stop is not None})]
