"""GPUs that are pretended: processes that ask for the device cuda get the CPU, and see which cards they were given."""

from pathlib import Path

SITE = """
from uad_bench.support import environment

real = environment.resolve_device
environment.resolve_device = lambda device: "cpu" if device.startswith("cuda") else real(device)
"""


def pretend_in(folder: Path) -> str:
    """A value of $PYTHONPATH that makes the processes that get it pretend."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITE)
    return str(folder)


def cards(trial: Path) -> list[str]:
    """The card that each run of the probe had. Raises AssertionError where a run saw several or none."""
    found = (trial / "cards").read_text().split()
    assert set(found) <= {"0", "1", "2", "3"}, found
    return found
