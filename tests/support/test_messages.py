"""One channel for messages: on stderr, in log.txt, and from worker processes."""

import logging
import re

import pytest

from uad_bench.errors import DataError
from uad_bench.support import messages
from uad_bench.support.process_pool import each

log = logging.getLogger("uad_bench.tests")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ "


@pytest.fixture(autouse=True)
def unchanged_loggers():
    before = {
        name: (logging.getLogger(name).handlers, logging.getLogger(name).level) for name in messages.NAMES
    }
    yield
    for name, (handlers, level) in before.items():
        logging.getLogger(name).handlers = handlers
        logging.getLogger(name).setLevel(level)


def speak(number):
    log.warning("piece %d", number)
    log.info("step %d", number)
    return number


def refuse(number):
    if number:
        raise DataError("bad piece", where=str(number))
    return number


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, ["info", "warning"]),
        ({"quiet": True}, ["warning"]),
        ({"verbose": True}, ["debug", "info", "warning"]),
    ],
)
def test_levels_follow_the_options_and_lines_carry_the_time(capsys, options, shown):
    messages.show(**options)
    for level in ("debug", "info", "warning"):
        getattr(log, level)(level)
    lines = capsys.readouterr().err.splitlines()
    assert all(re.match(TIME, line) for line in lines)
    assert [re.sub(TIME, "", line) for line in lines] == shown


def test_a_terminal_gets_the_words_alone(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    messages.show()
    log.info("prepare [t2] 3 of 7")
    assert capsys.readouterr().err.strip() == "prepare [t2] 3 of 7"


def test_log_txt_holds_what_was_said_before_and_within(tmp_path, capsys):
    messages.show(quiet=True)
    with messages.collected() as earlier:
        log.info("cohort")
    with messages.written(tmp_path / "log.txt", earlier):
        log.info("fit")
    log.info("after")
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [re.sub(TIME, "", line) for line in lines] == ["cohort", "fit"]
    assert capsys.readouterr().err == ""


def test_messages_of_workers_arrive_in_the_log(tmp_path):
    with messages.written(tmp_path / "log.txt"):
        assert list(each(speak, [1, 2, 3], workers=2)) == [1, 2, 3]
    lines = [re.sub(TIME, "", line) for line in (tmp_path / "log.txt").read_text().splitlines()]
    assert sorted(lines) == [f"{word} {n}" for word in ("piece", "step") for n in (1, 2, 3)]


def test_a_failing_piece_does_not_keep_the_pool_open():
    with pytest.raises(DataError, match="bad piece"):
        list(each(refuse, [0, 1, 2], workers=2))


def test_messages_of_one_kind_about_many_cases_are_one_line_with_their_number(caplog):
    caplog.set_level("INFO", "uad_bench.tests")
    with messages.summarised("uad_bench.tests"):
        for number in range(67):
            same = {"kind": "the map is constant", "case_id": f"case{number}"}
            log.warning("case%d: the map is constant (%d)", number, number, extra=same)
        log.warning("case4: the map is odd (2)", extra={"kind": "the map is odd", "case_id": "case4"})
        log.info("other words")
    expected = ["other words", "67 cases, the first case0: the map is constant", "case4: the map is odd (2)"]
    assert caplog.messages == expected
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "WARNING"]
    log.warning("after it", extra={"kind": "the map is odd"})
    assert caplog.messages[-1] == "after it"


def test_messages_that_were_held_back_are_shown_where_the_work_fails(caplog):
    with pytest.raises(DataError), messages.summarised("uad_bench.tests"):
        log.warning("case1: the map is odd", extra={"kind": "the map is odd"})
        refuse(1)
    assert caplog.messages == ["case1: the map is odd"]
