"""The machine, as runs record it."""

import sys
from pathlib import Path

import pytest

from uad_bench.support import environment


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/cpuinfo")
def test_i17_the_model_of_the_cpu_is_that_of_the_operating_system(monkeypatch):
    text = Path("/proc/cpuinfo").read_text()
    assert bool(environment.cpu_model()) == ("model name" in text)
    monkeypatch.setattr(
        Path, "read_text", lambda self: "processor\t: 0\nmodel name\t: A   CPU 9654\nflags: x\n"
    )
    assert environment.cpu_model() == "A CPU 9654"


def test_i17_without_a_name_of_the_cpu_the_architecture_is_recorded(monkeypatch):
    monkeypatch.setattr(environment, "cpu_model", str)
    monkeypatch.setattr(environment.platform, "processor", str)
    assert environment.describe("cpu", 1)["device_name"] == environment.platform.machine()
