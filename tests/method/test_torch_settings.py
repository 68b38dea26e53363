"""Settings of torch that a method changes are named, and are as before after its call."""

import subprocess
import sys

import pytest
import torch

from uad_bench.method.guard import guarded
from uad_bench.method.torch_settings import restore_torch_settings, torch_settings

CHANGES = {
    "torch threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch default dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch default device": lambda: torch.set_default_device("meta"),
    "torch gradients": lambda: torch.set_grad_enabled(False),
    "torch deterministic algorithms": lambda: torch.use_deterministic_algorithms(
        not torch.are_deterministic_algorithms_enabled()
    ),
    "torch matmul precision": lambda: torch.set_float32_matmul_precision("medium"),
    "torch cudnn.enabled": lambda: setattr(torch.backends.cudnn, "enabled", False),
    "torch cudnn.benchmark": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "torch cudnn.deterministic": lambda: setattr(torch.backends.cudnn, "deterministic", True),
}


@pytest.fixture(autouse=True)
def _as_before():
    before = torch_settings()
    yield
    restore_torch_settings(before)


def test_every_setting_is_tested():
    assert CHANGES.keys() == torch_settings().keys()


@pytest.mark.parametrize("name", CHANGES)
def test_a_setting_that_a_method_changes_is_as_before_after_its_call(name):
    before = torch_settings()
    with guarded("mine.score"):
        CHANGES[name]()
        changed = {key for key, value in torch_settings().items() if value != before[key]}
    assert changed == {name}
    assert torch_settings() == before


def test_only_a_setting_that_was_changed_is_written(monkeypatch):
    written = []
    monkeypatch.setattr("uad_bench.method.torch_settings._set", lambda *pair: written.append(pair))
    before = torch_settings()
    restore_torch_settings(before)
    assert written == []
    restore_torch_settings(before | {"torch matmul precision": "medium"})
    assert written == [("torch matmul precision", "medium")]


DETERMINISM = """
import sys, torch
from uad_bench.method.torch_settings import set_determinism
set_determinism(True, warn_only=True)
assert torch.is_deterministic_algorithms_warn_only_enabled()
assert not [name for name in sys.modules if name.startswith(("torch._inductor", "torch._dynamo"))]
import torch._inductor.config as compiler
assert compiler.deterministic
set_determinism(False)
assert not torch.are_deterministic_algorithms_enabled() and not compiler.deterministic
set_determinism(True)
assert torch.are_deterministic_algorithms_enabled() and compiler.deterministic
assert not torch.is_deterministic_algorithms_warn_only_enabled()
print("all holds")
"""


def test_determinism_holds_for_compiled_code_and_imports_no_compiler():
    done = subprocess.run([sys.executable, "-c", DETERMINISM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "all holds\n"), done.stderr
