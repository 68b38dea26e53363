import time
from types import SimpleNamespace

import pytest

from uad_bench.support import progress
from uad_bench.support.progress import Ticker, duration, heartbeat


@pytest.fixture
def lines(monkeypatch, caplog):
    """lines(moments, total): what a ticker logs, made at moments[0]; a piece is done at each of the others."""
    caplog.set_level("INFO")

    def logged(moments, total):
        clock = iter(moments)
        monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        tick = Ticker("prepare")
        for number in range(1, len(moments)):
            tick(number, total)
        return caplog.messages

    return logged


def test_quick_work_says_nothing(lines):
    assert lines([0, 1, 2, 3], 3) == []


def test_long_work_says_how_far_it_is_and_how_long_it_takes(lines):
    assert lines([0, 4, 8, 12], 10) == ["prepare: 2 of 10, about 32 s left"]


def test_cases_that_were_there_before_are_no_measure_of_the_pace(lines):
    assert lines([0, 0.001, 0.002, 0.003, 10.003], 10) == ["prepare: 4 of 10, about 60 s left"]


def test_durations_are_read_at_a_glance():
    assert [duration(s) for s in (40, 200, 9000)] == ["40 s", "3 min", "2.5 h"]


def test_work_that_reports_nothing_is_known_to_go_on(caplog):
    caplog.set_level("INFO")
    end = time.monotonic() + 5
    with heartbeat("toy: generating its cases", every=0.01):
        while not caplog.messages and time.monotonic() < end:
            time.sleep(0.01)
    said = len(caplog.messages)
    time.sleep(0.05)
    assert set(caplog.messages) == {"toy: generating its cases, for 0 s so far"}
    assert len(caplog.messages) == said
