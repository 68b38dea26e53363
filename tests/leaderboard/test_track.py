"""The track of a run: recorded, or of the installed method, or from the audit of the run."""

import json
from types import SimpleNamespace

import pytest

from uad_bench.leaderboard import track
from uad_bench.leaderboard.track import track_of


@pytest.fixture
def run(tmp_path):
    return SimpleNamespace(path=tmp_path, name="run")


def spec(method="fae", target="uad_methods.fae:FAE", **parameters):
    return SimpleNamespace(method=method, target=target, parameters=parameters)


def test_a_recorded_track_counts(run):
    assert track_of(run, spec(), {"track": "weak"}) == "weak"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [({"extractor": "self"}, "healthy"), ({"weights": "resnet18.pth"}, "features"), ({"gone": 1}, "healthy")],
)
def test_an_older_run_has_the_track_that_the_installed_method_declares(run, parameters, expected):
    assert track_of(run, spec(**parameters), {}) == expected


def test_the_audit_tells_where_the_method_is_not_installed(run):
    foreign = spec("mine", "mine:Mine")
    assert track_of(run, foreign, {}) == "healthy"
    (run.path / "audit.json").write_text(
        json.dumps([{"rule": "L11", "severity": "note", "what": "", "cases": []}])
    )
    assert track_of(run, foreign, {}) == "features"
    assert track_of(run, spec(gone=1), {}) == "features"  # the installed version refuses the parameters
    assert track.BORROWED == "L11"
