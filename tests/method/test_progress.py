"""The bar of a training shows loss and speed, and is absent where it is not wanted."""

import re

import torch

from uad_bench.method.progress import Bar


def shown(capsys, monkeypatch, steps, wanted=True):
    """What the bar writes to stderr for (step, pending) pairs."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with Bar(wanted, "encoder", 40) as bar:
        for step, pending in steps:
            bar.show(step, pending)
        if wanted:
            bar._progress.refresh()
    out, err = capsys.readouterr()
    assert not out
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", err)


def test_the_bar_names_phase_steps_loss_and_speed(capsys, monkeypatch):
    text = shown(capsys, monkeypatch, [(20, [(19, {"loss": torch.tensor(0.12345)})])])
    assert "encoder" in text and "20/40" in text
    assert "loss 0.1235" in text and "steps/s" in text


def test_the_loss_is_kept_while_further_steps_are_pending(capsys, monkeypatch):
    pending = [(19, {"loss": 0.5}), (20, {"loss": 0.25})]
    text = shown(capsys, monkeypatch, [(20, pending[:1]), (21, pending)])
    assert "loss 0.5" in text and "0.25" not in text


def test_a_step_without_loss_is_shown(capsys, monkeypatch):
    assert "3/40" in shown(capsys, monkeypatch, [(3, [(2, {})])])


def test_nothing_is_written_where_no_bar_is_wanted(capsys, monkeypatch):
    assert shown(capsys, monkeypatch, [(1, [(0, {"loss": 1.0})])], wanted=False) == ""
