"""A small cohort, the commands of runs on it, the seconds that they take and the digests of what they wrote."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: The cohort: 12 healthy subjects, two of each of four kinds of lesions.
COHORT = ("--protocol", "phantom", "--set", "phantom.healthy=12", "--set", "phantom.lesions=2")
#: Files that hold times of the clock, or the state of the repository.
TIMES = {"status.json", "env.json"}


@dataclass(frozen=True)
class Spent:
    """CPU seconds of a command with all that it starts, and wall-clock seconds."""

    cpu: float
    wall: float


def measured(words: Sequence[str], variables: Mapping[str, str] | None = None) -> Spent:
    """What a command takes. Raises CalledProcessError, after its messages were printed, where it fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(words, env={**os.environ, **(variables or {})}, check=False, capture_output=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.stderr.write(done.stderr.decode(errors="replace"))
        done.check_returncode()
    return Spent(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def prepare(*more: str) -> None:
    """Generate and prepare the cohort, so that no run does it."""
    measured([sys.executable, "-m", "uad_bench", "prepare", "phantom", *COHORT, *more])


def command(method: str, steps: int, seeds: int, out: Path, *more: str) -> list[str]:
    """The command of runs of a method with one thread each, one for each seed."""
    words = ["run", method, "--seeds", str(seeds), *COHORT, "--set", f"{method}.steps={steps}"]
    own = ["--device", "cpu", "--threads", "1", "--workers", "1", "--out", str(out)]
    return [sys.executable, "-m", "uad_bench", *words, *own, *more]


def digests(out: Path) -> dict[str, str]:
    """The digests of all results, by their path below a folder of runs, without those of times."""
    found = {}
    for path in sorted(out.rglob("digests.json")):
        values: dict[str, str] = json.loads(path.read_text())
        place = path.parent.relative_to(out)
        found |= {f"{place}/{name}": value for name, value in values.items() if name not in TIMES}
    return found


def require_equal(one: Path, other: Path) -> int:
    """How many files two folders of runs have. Raises SystemExit where they differ, or where there are none."""
    first, second = digests(one), digests(other)
    differ = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
    if differ or not first:
        raise SystemExit(f"{len(differ)} of {len(first)} files differ: {', '.join(differ[:3]) or 'no runs'}")
    return len(first)
