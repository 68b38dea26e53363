"""Changes of global settings are found by name; other random states are set before a call."""

import os
import random

import numpy as np
import pytest
import torch

from uad_bench.errors import PluginError
from uad_bench.testing.process_state import (
    changed_settings,
    process_state,
    refuse_changes,
    with_other_random_state,
)


def drawn():
    """A number from each global generator."""
    return random.random(), float(np.random.random()), torch.rand(1).item()  # noqa: NPY002  # the global state is tested


CHANGES = {
    "environment variables": lambda tmp_path: os.environ.update(CHANGED="yes"),
    "working directory": os.chdir,
    "random state of Python, random state of numpy": lambda tmp_path: drawn(),
    "numpy's error handling": lambda tmp_path: np.seterr(all="raise"),
    "torch default dtype": lambda tmp_path: torch.set_default_dtype(torch.float64),
    "torch gradients": lambda tmp_path: torch.set_grad_enabled(False),
}


@pytest.fixture(autouse=True)
def _restored(monkeypatch):
    before = np.geterr(), torch.get_default_dtype(), torch.is_grad_enabled()
    monkeypatch.setenv("CHANGED", "no")
    monkeypatch.chdir(".")
    yield
    np.seterr(**before[0])
    torch.set_default_dtype(before[1])
    torch.set_grad_enabled(before[2])


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_setting_is_named(tmp_path, what):
    before = process_state()
    CHANGES[what](tmp_path)
    with pytest.raises(PluginError, match=f"mine: .*changed: {what}: ") as caught:
        refuse_changes("mine", changed_settings(before))
    assert caught.value.code == "UB410"


def test_torch_may_draw_random_numbers():
    before = process_state()
    torch.rand(1)
    assert changed_settings(before) == []
    refuse_changes("mine", [])


def test_the_random_states_are_others_than_before():
    before, after = drawn(), with_other_random_state(drawn)
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert after == with_other_random_state(drawn)
