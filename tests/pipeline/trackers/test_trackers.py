"""`--log`: figures of a training reach each program offline, a failing one never ends a run."""

import logging
from types import SimpleNamespace

import pytest

from tests.helpers.command import call
from tests.helpers.runs import execute, matrix
from uad_bench.errors import EnvironmentFault, UsageError
from uad_bench.pipeline.trackers import trackers as module
from uad_bench.pipeline.trackers.trackers import CLASSES, wanted


def installed(name):
    pytest.importorskip(CLASSES[name][0], reason=f"the extra {name} is not installed")


def test_names_are_checked_and_csv_needs_nothing(monkeypatch):
    assert wanted(["csv"]) == ()
    with pytest.raises(UsageError, match="did you mean wandb"):
        wanted(["wandbb"])
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(EnvironmentFault, match=r"pip install 'uad-bench\[mlflow\]'") as raised:
        wanted(["csv", "mlflow"])
    assert raised.value.code == "UB606"


def test_a_missing_package_is_one_line_before_any_work(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    words = ["run", "ae", "--log", "tensorboard", "--out", tmp_path / "runs", "--quiet"]
    code, _, err = call(monkeypatch, capsys, *words)
    assert code == 6 and err.startswith("error[UB606]") and err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


class Recorder:
    """A tracker that keeps what it gets, and fails at a step."""

    got: list = []
    facts: list = []
    fail_at = None

    def __init__(self, run):
        self.facts.append(dict(run.facts))
        self.got.append(("open", run.name.split("/")[1], dict(run.facts)["parameters.steps"]))

    def begin(self, phase, step):
        self.got.append(("begin", phase, step))

    def record(self, phase, step, values):
        if step == self.fail_at:
            raise OSError("no space left")
        self.got.append((phase, step, sorted(values)))

    def close(self, *, failed):
        self.got.append(("close", failed))


@pytest.fixture
def recorder(monkeypatch):
    """Recorder in the place of TensorBoard."""
    monkeypatch.setattr(Recorder, "got", [])
    monkeypatch.setattr(Recorder, "facts", [])
    monkeypatch.setattr(module, "import_module", lambda _: SimpleNamespace(TensorBoard=Recorder))
    return Recorder


def test_a_tracker_gets_every_figure_of_train_csv(recorder, place):
    (run,) = execute(matrix("Blur"), place(trackers=("tensorboard",)))
    assert recorder.got[:2] == [("open", "blur", 30), ("begin", "phase0", 0)]
    assert recorder.got[-1] == ("close", False)
    rows = [(row["phase"], int(row["step"]), row["name"]) for row in run.table("train.csv")]
    figures = [one for one in recorder.got if one[0] not in {"open", "begin", "close"}]
    assert sorted((phase, step, name) for phase, step, names in figures for name in names) == sorted(rows)
    assert "figures of the training also go to tensorboard" in (run.path / "log.txt").read_text()


def test_a_tracker_that_fails_is_named_once_and_ends_no_run(recorder, place, caplog, monkeypatch):
    monkeypatch.setattr(recorder, "fail_at", 7)
    plain, tracked = place(), place(trackers=("tensorboard",), fresh=True)
    (run,) = execute(matrix("Blur"), plain)
    weights = [path.read_bytes() for path in sorted((run.path / "model").iterdir())]
    with caplog.at_level(logging.WARNING, "uad_bench"):
        (run,) = execute(matrix("Blur"), tracked)
    said = [line for line in caplog.messages if "tensorboard gets no more figures" in line]
    assert len(said) == 1 and "OSError: no space left" in said[0]
    assert len({row["step"] for row in run.table("train.csv")}) == 30
    assert [path.read_bytes() for path in sorted((run.path / "model").iterdir())] == weights


def test_one_that_cannot_be_opened_is_named(place, monkeypatch, caplog):
    def refuse(_):
        raise RuntimeError("no server")

    monkeypatch.setattr(module, "import_module", lambda _: SimpleNamespace(TensorBoard=refuse))
    with caplog.at_level(logging.WARNING, "uad_bench"):
        execute(matrix("Blur"), place(trackers=("tensorboard",)))
    assert any("tensorboard gets no figures" in line and "no server" in line for line in caplog.messages)


@pytest.mark.parametrize("name", ["mlflow", "tensorboard"])  # wandb: test_adapters.py
def test_each_program_gets_the_figures_offline(name, place, monkeypatch):
    installed(name)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    here, eight = place(trackers=(name,), fresh=True), matrix("Blur", more=[(["blur", "steps"], 8)])
    for _ in range(
        2
    ):  # the second one starts again: its curve takes the place of the first, or is a run of its own
        (run,) = execute(eight, here)
        assert READ[name](here.out, run) == [row["value"] for row in losses(run)]


def losses(run):
    return [row for row in run.table("train.csv") if row["name"] == "loss"]


def of_tensorboard(out, run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(out / "tensorboard" / run.name / "phase0")).Reload().Scalars("loss")
    return [repr(float(one.value)) for one in found]


def of_mlflow(out, run):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(out.resolve() / "mlruns").as_uri())
    (experiment,) = [e for e in client.search_experiments() if e.name == "uad-bench"]
    one, *_ = client.search_runs([experiment.experiment_id])  # the newest
    assert one.data.params["parameters.steps"] == "8" and one.info.status == "FINISHED"
    history = client.get_metric_history(one.info.run_id, "phase0/loss")
    return [repr(m.value) for m in sorted(history, key=lambda m: m.step)]


READ = {"tensorboard": of_tensorboard, "mlflow": of_mlflow}
