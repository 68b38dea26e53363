from typing import Literal

import numpy as np
import pytest

from uad_bench.prepare import chain
from uad_bench.prepare import fit_steps as fitting
from uad_bench.prepare.cache.prepared_case import prepare_case
from uad_bench.prepare.fit_steps import fit_steps, needs_fit, steps_before_fit
from uad_bench.prepare.step import Step

STEPS = [{"step": "canonical"}, {"step": "brain_mask"}, {"step": "scale", "clip": False}, {"step": "mean"}]


class Mean(Step):
    """A step that learns one number: the mean of the training scans' brains."""

    step: Literal["mean"] = "mean"
    value: float | None = None

    @property
    def needs_fit(self):
        return self.value is None

    @property
    def is_fitted(self):
        return self.value is not None

    def fitted(self, scans):
        return Mean(value=float(np.mean([scan.image[0][scan.brain_mask].mean() for scan in scans])))

    def apply(self, case_volumes):
        return case_volumes


@pytest.fixture(autouse=True)
def with_mean(monkeypatch):
    monkeypatch.setitem(chain.STEPS, "mean", "x:Mean")
    known = chain.step_class
    for module in (chain, fitting):
        monkeypatch.setattr(module, "step_class", lambda name: Mean if name == "mean" else known(name))


def trainer(cases, cache, calls):
    def ready(steps):
        calls.append([step["step"] for step in steps])
        return [prepare_case(case, ["t2"], steps, cache) for case in cases]

    return ready


def test_a_step_learns_from_the_training_scans_as_they_are_before_it(toy_case, tmp_path):
    cases, calls = [toy_case("b", seed=1), toy_case("a", seed=2)], []
    steps, learnt = fit_steps(STEPS, trainer(cases, tmp_path, calls), tmp_path)
    assert calls == [["canonical", "brain_mask", "scale"]]
    assert learnt[0].saw == ("toy/a", "toy/b")
    means = [
        scan.image[0][scan.brain_mask].mean()
        for scan in (prepare_case(case, ["t2"], STEPS[:3], tmp_path).scan() for case in cases)
    ]
    assert steps[3]["value"] == pytest.approx(np.mean(means))
    assert steps[:3] == STEPS[:3]


def test_the_second_time_nothing_is_learnt_again(toy_case, tmp_path, monkeypatch):
    train = trainer([toy_case()], tmp_path, [])
    first = fit_steps(STEPS, train, tmp_path)
    monkeypatch.setattr(Mean, "fitted", lambda *_: pytest.fail("fitted again"))
    assert fit_steps(STEPS, train, tmp_path) == first


def test_other_training_scans_teach_something_else(toy_case, tmp_path):
    one, _ = fit_steps(STEPS, trainer([toy_case()], tmp_path, []), tmp_path)
    two, _ = fit_steps(STEPS, trainer([toy_case(seed=3)], tmp_path, []), tmp_path)
    assert one != two


def test_another_fit_starts_where_the_steps_before_it_ended(toy_case, tmp_path, monkeypatch):
    case = toy_case()
    steps, _ = fit_steps(STEPS, trainer([case], tmp_path, []), tmp_path)
    monkeypatch.setattr(chain, "load", lambda *_: pytest.fail("the scan was read again"))
    again = prepare_case(case, ["t2"], steps, tmp_path)
    assert [step["step"] for step in again.record["steps"]] == ["canonical", "brain_mask", "scale", "mean"]
    assert again.content == prepare_case(case, ["t2"], STEPS[:3], tmp_path).content


def test_steps_that_must_be_fitted_are_recognised():
    assert needs_fit(STEPS)
    assert not needs_fit(STEPS[:3])
    assert steps_before_fit(STEPS) == STEPS[:3]
    assert steps_before_fit([*STEPS[:3], {"step": "mean", "value": 1.0}]) == [
        *STEPS[:3],
        {"step": "mean", "value": 1.0},
    ]
