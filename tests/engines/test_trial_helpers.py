"""Trials with jobs of Slurm fail where what they document is not so; no Slurm is needed."""

import os
import subprocess
from types import SimpleNamespace

import pytest

from tests.helpers.slurm import incidents, node, watch


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """watched(states) -> a watch of runs with these states, or of an error, after a moment."""
    monkeypatch.setattr(watch, "EVERY", 0.01)
    monkeypatch.setattr(watch.matrix_file, "matrices", lambda _out: [tmp_path])
    monkeypatch.setattr(watch, "processes", lambda _matrix: {})

    def watched(found):
        def states():
            if isinstance(found, Exception):
                raise found
            return [SimpleNamespace(number=0, label="ae", detail="", state=state) for state in found]

        compared = watch.Watch(SimpleNamespace(out=tmp_path, folder=tmp_path, states=states))
        with compared:
            compared._thread.join(0.3)
        return compared

    return watched


def test_a_watch_that_was_ended_by_an_error_or_has_compared_nothing_is_a_problem(watched):
    assert "ValueError('mine')" in watched(ValueError("mine")).problem(5)
    assert "never compared" in watched([]).problem(5)
    assert "ae: running" in watched(["running"]).problem(0.05)
    assert watched(["done"]).problem(0.05) == ""


def test_a_command_that_submits_again_fails_the_trial(monkeypatch):
    counts = iter([3, 4, 4])
    monkeypatch.setattr(incidents, "_submissions", lambda _matrix: next(counts))
    with pytest.raises(AssertionError, match="submitted"):
        incidents._again(SimpleNamespace(submit=lambda: None))


def test_a_node_that_does_not_start_is_ended(tmp_path, monkeypatch):
    script = tmp_path / "slurm-node"
    script.write_text(f"#!/bin/sh\necho $1 >> {tmp_path}/verbs\n[ $1 = down ]\n")
    script.chmod(0o755)
    monkeypatch.delenv("SLURM_CONF", raising=False)
    monkeypatch.setattr(node, "SCRIPT", script)
    with pytest.raises(subprocess.CalledProcessError), node.running(tmp_path):
        pass
    assert (tmp_path / "verbs").read_text().split() == ["up", "down"]
    assert "SLURM_CONF" not in os.environ
