"""Changes of a protocol's preparation: which steps they leave, and which words are refused."""

import pytest

from uad_bench.config import load_protocol
from uad_bench.errors import EnvironmentFault, UsageError
from uad_bench.pipeline.matrix import Matrix
from uad_bench.pipeline.sensitivity import changes
from uad_bench.pipeline.sensitivity.changes import parse_changes

UAD = load_protocol("uad-2mm")


def names(change):
    return [step["step"] for step in change.steps]


def test_a_step_of_the_protocol_is_left_out_and_nothing_else():
    (change,) = parse_changes(["n4"], UAD)
    assert change.steps == tuple(step for step in UAD.prepare if step["step"] != "n4")
    assert change.label == "without n4"


def test_a_step_that_the_protocol_lacks_is_added_in_the_usual_order():
    (change,) = parse_changes(["n4"], load_protocol("phantom"))
    assert names(change) == ["canonical", "brain_mask", "n4", "resample", "scale"]
    assert change.label == "with n4"


def test_a_parameter_changes_in_its_step_alone():
    (change,) = parse_changes(["scale.percentiles=[0, 100]"], UAD)
    before = {step["step"]: step for step in UAD.prepare}
    after = {step["step"]: step for step in change.steps}
    assert after["scale"]["percentiles"] == [0, 100]
    assert [name for name in after if after[name] != before[name]] == ["scale"]


def test_strip_is_the_tool_that_the_protocol_does_not_use(monkeypatch):
    monkeypatch.setattr(changes, "available_tool", lambda tool: "deepbet" if tool == "auto" else tool)
    (change,) = parse_changes(["strip"], UAD)
    assert {"step": "brain_mask", "stripper": "hd-bet"} in change.steps


def test_a_tool_that_is_not_installed_is_said_before_anything_runs(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EnvironmentFault):
        parse_changes(["strip"], UAD)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "nothing"),
        (["n4."], "STEP.PARAMETER=VALUE"),
        (["curvature_flow.iterations=3"], "no step curvature_flow"),
        (["scale.percentiles=[1, 99]"], "is what the protocol"),
        (["n4", "n4"], "twice"),
    ],
)
def test_words_without_a_meaning_are_refused(words, message):
    with pytest.raises(UsageError, match=message):
        parse_changes(words, UAD)


def test_runs_of_a_change_belong_to_a_protocol_of_their_own():
    protocol = load_protocol("phantom")
    (change,) = parse_changes(["n4"], protocol)
    own, changed = (
        Matrix(["thresh"], protocol="phantom", settings=settings).specs()[0].protocol
        for settings in ([], change.settings(protocol))
    )
    assert changed.name == "phantom.with-n4" and changed.fingerprint != own.fingerprint
    assert changed.splits == own.splits and changed.presets == own.presets
