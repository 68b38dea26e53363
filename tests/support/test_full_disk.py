"""F73: a disk that is full while a file is appended to costs that file, says so in one line, and harms no other."""

import logging
from pathlib import Path

import pytest

from tests.helpers.runs import execute, matrix
from uad_bench.errors import EnvironmentFault
from uad_bench.results.run_directory import RunDir
from uad_bench.support import messages
from uad_bench.support.atomic_files import append_text

FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")


def test_f73_a_line_that_does_not_fit_is_an_error_of_the_machine():
    with pytest.raises(EnvironmentFault, match="No space left on device") as caught:
        append_text(FULL, "one line\n")
    assert caught.value.exit_code == 6


def test_f73_a_log_that_does_not_fit_is_reported_once_and_ends_nothing(capsys):
    with messages.written(FULL):
        for number in range(3):
            logging.getLogger("uad_bench").info("message %d", number)
    err = capsys.readouterr().err
    assert err.count("cannot write /dev/full") == 1 and "Traceback" not in err


def test_f73_losses_that_do_not_fit_end_the_run_with_exit_code_6_and_it_can_be_resumed(place, monkeypatch):
    calm, real = matrix("Blur"), RunDir.append_training

    def full(run, record):
        if record["step"] >= 20:
            append_text(FULL, "x")
        real(run, record)

    monkeypatch.setattr(RunDir, "append_training", full)
    with pytest.raises(EnvironmentFault, match="No space left"):
        execute(calm, place())
    monkeypatch.undo()
    (run,) = execute(calm, place(resume=True))
    losses = [row["step"] for row in run.table("train.csv") if row["name"] == "loss"]
    assert run.state == "complete" and losses == [str(step) for step in range(30)]
