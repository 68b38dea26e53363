from uad_bench.support import progress
from uad_bench.support.progress import Ticker, duration


def told(monkeypatch, moments, total):
    """What a ticker says when it is made at moments[0] and another one is done at each of the others."""
    clock = iter(moments)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    lines = []
    tick = Ticker(lines.append, "prepare")
    for number in range(1, len(moments)):
        tick(number, total)
    return lines


def test_quick_work_says_nothing(monkeypatch):
    assert told(monkeypatch, [0, 1, 2, 3], 3) == []


def test_long_work_says_how_far_it_is_and_how_long_it_takes(monkeypatch):
    assert told(monkeypatch, [0, 4, 8, 12], 10) == ["prepare: 2 of 10, about 32 s left"]


def test_cases_that_were_there_before_are_no_measure_of_the_pace(monkeypatch):
    assert told(monkeypatch, [0, 0.001, 0.002, 0.003, 10.003], 10) == ["prepare: 4 of 10, about 60 s left"]


def test_durations_are_read_at_a_glance():
    assert [duration(s) for s in (40, 200, 9000)] == ["40 s", "3 min", "2.5 h"]
