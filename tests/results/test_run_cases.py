"""The steps of a finished run are those that it was made with, what they learnt included."""

from pathlib import Path

from uad_bench.config import RunSpec, load_protocol
from uad_bench.results.run_cases import steps_of
from uad_bench.results.run_directory import RunDir

TOY = str(Path(__file__).parents[1] / "helpers" / "toy.yaml")
LEARNT = {
    "step": "histogram",
    "landmarks": {"t2": [0.0, 50.0, 100.0]},
    "percentiles": [1, 50, 99],
    "fitted_on": "abc",
}


def spec(*steps):
    protocol = load_protocol(TOY, {"prepare": list(steps)})
    return RunSpec(method="m", target="x:M", parameters={}, protocol=protocol, test=("toy",), seed=0)


def test_a_step_that_learns_gets_what_it_learnt_and_the_others_stay(tmp_path):
    run = RunDir(tmp_path)
    run.write_json("fitted.json", [{"step": "histogram", "parameters": LEARNT, "saw": ["toy/h00"]}])
    asked = spec({"step": "canonical"}, {"step": "histogram"}, {"step": "resample"}, {"step": "scale"})
    found = steps_of(run, asked)
    assert [step["step"] for step in found] == ["canonical", "histogram", "resample", "scale"]
    assert found[1] == LEARNT
    assert found[2]["spacing"] == [6, 6, 6] and found[3] == {"step": "scale"}


def test_given_landmarks_and_runs_without_a_list_stay_as_they_are(tmp_path):
    given = {"step": "histogram", "percentiles": [1, 99], "landmarks": {"t2": [0.0, 100.0]}}
    assert steps_of(RunDir(tmp_path), spec({"step": "canonical"}, given))[1] == given
