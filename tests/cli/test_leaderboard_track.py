"""`leaderboard --track`: unknown tracks, and which runs are shown."""

from types import SimpleNamespace

import pytest

from tests.helpers.command import call
from uad_bench.cli.leaderboard import _of_tracks
from uad_bench.leaderboard.collect import Collected
from uad_bench.types import TRACKS


def runs(*told):
    summaries = tuple(SimpleNamespace(name=name, track=track, null=null) for name, track, null in told)
    return Collected(summaries, (), tuple(one.name for one in summaries))


def test_an_unknown_track_is_one_line_with_the_known_ones(monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, "leaderboard", "--track", "feature")
    assert code == 2 and "track" in err and "features" in err


def test_the_runs_of_a_track_and_the_controls_are_shown_and_the_others_counted(capsys):
    every = runs(("ae", "healthy", False), ("deep", "features", False), ("random", "healthy", True))
    found = _of_tracks(every, ["features"])
    assert found.directories == ("deep", "random") and len(found.runs) == 2
    assert "1 runs of other tracks are not shown" in capsys.readouterr().err
    assert _of_tracks(every, []) is every


@pytest.mark.parametrize("verb", ["leaderboard", "evaluate"])
def test_the_help_names_every_track(verb, monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, verb, "--help")
    assert code == 0 and all(name in " ".join(out.split()) for name in TRACKS)
