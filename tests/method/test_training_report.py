"""A training tells its story: begin, where it is, and what it came to."""

import logging
import re
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from uad_bench.method import training_report
from uad_bench.method.context import Context
from uad_bench.method.loop_state import Policy
from uad_bench.support import messages


@pytest.fixture
def clock(monkeypatch):
    """Seconds that tests move on."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(training_report, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def train(clock, caplog, total, seconds, policy=None, name="", **logged):
    """The messages of a loop whose steps take `seconds` each."""
    caplog.set_level("INFO", "uad_bench")
    ctx = Context(policy=policy or Policy(label="ae seed 0"))
    for step in ctx.steps(total, name=name, every=4, validate=lambda: 0.25):
        clock.seconds += seconds
        ctx.log(**(logged or {"loss": torch.tensor(1.0 / (step + 1))}))
    return caplog.messages


def test_a_message_every_30_s_gives_step_loss_validation_rate_and_time_left(clock, caplog):
    assert train(clock, caplog, total=10, seconds=11) == [
        "ae seed 0: 10 steps",
        "ae seed 0: step 3 of 10, loss 0.3333, 0.0909 steps/s, about 77 s left",
        "ae seed 0: step 6 of 10, loss 0.1667, validation 0.25, 0.0909 steps/s, about 44 s left",
        "ae seed 0: step 9 of 10, loss 0.1111, validation 0.25, 0.0909 steps/s, about 11 s left",
        "ae seed 0: 10 steps in 2 min, loss 0.1, validation 0.25, lowest validation 0.25, whose weights are kept",
    ]


def test_no_message_is_later_than_30_s_or_one_step(clock, caplog):
    moments = []
    caplog.set_level("INFO", "uad_bench")
    ctx = Context()
    for _ in ctx.steps(50):
        clock.seconds += 7
        moments.append((clock.seconds, len(caplog.messages)))
    told = [next(t for t, n in moments if n == k) for k in range(1, max(n for _, n in moments) + 1)]
    assert len(told) > 5 and max(b - a for a, b in pairwise(told)) <= 30 + 7


def test_a_quick_training_has_a_message_at_its_begin_and_end(clock, caplog):
    said = train(clock, caplog, total=3, seconds=1, name="encoder", kl=0.5)
    assert said[0] == "ae seed 0, encoder: 3 steps" and len(said) == 2
    assert "kl 0.5" in said[1]


def test_a_resumed_training_says_where_it_continues(clock, caplog, tmp_path):
    train(clock, caplog, total=6, seconds=0, policy=Policy(tmp_path, checkpoint_minutes=0))
    (tmp_path / "phase0.ckpt").unlink()
    caplog.clear()
    ctx = Context(policy=Policy(tmp_path, checkpoint_minutes=0))
    for step in ctx.steps(6):
        if step == 3:
            break
    caplog.clear()
    list(Context(policy=Policy(tmp_path, resume=True)).steps(6))
    assert caplog.messages[0] == "training: continues at step 3 of 6"
    assert caplog.messages[-1].startswith("training: 3 steps in ")


def test_the_time_left_is_never_more_than_the_budget(clock, caplog, monkeypatch):
    policy = Policy(time_budget_s=100.0, label="ae seed 0")
    said = train(clock, caplog, total=5, seconds=31, policy=policy)
    assert re.search(r"about (100|99) s left$", said[1])
    caplog.clear()
    list(Context(policy=Policy(time_budget_s=-1.0)).steps(5))
    assert caplog.messages[-1].endswith("ended by the time budget at step 0 of 5")


@pytest.mark.parametrize(("terminal", "shown"), [(True, 2), (False, 4)])
def test_what_the_bar_shows_is_in_the_log_and_not_in_the_terminal(
    terminal, shown, clock, caplog, capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    before = [(name, logging.getLogger(name).handlers) for name in messages.NAMES]
    try:
        messages.show()
        with messages.written(tmp_path / "log.txt"):
            ctx = Context(policy=Policy(label="x"))
            ctx.policy.progress = terminal
            monkeypatch.setattr("uad_bench.method.training_loop.Bar", Quiet)
            for _ in ctx.steps(2):
                clock.seconds += 31
            logging.getLogger("uad_bench.method").info("done")
    finally:
        for name, handlers in before:
            logging.getLogger(name).handlers = handlers
    assert len((tmp_path / "log.txt").read_text().splitlines()) == 5
    assert len(capsys.readouterr().err.splitlines()) == (shown if terminal else 5)


class Quiet:
    """A progress bar that draws nothing."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def show(self, *_):
        pass
