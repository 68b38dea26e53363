"""The stages of the rehearsal, in order: each is a command as a user gives it."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import yaml

from benchmarks.rehearsal.layouts import LAYOUTS

METHODS = ("thresh", "atlas-z", "ae")
SEEDS = 2
PROTOCOL = "uad-2mm"
#: The steps without brain extraction, N4 and registration, whose cost of each case is known (benchmarks.preparation).
QUICK = {
    "grid": {"spacing": [2, 2, 2], "shape": [80, 96, 80], "centre": "brain"},
    "prepare": [
        {"step": "canonical"},
        {"step": "brain_mask"},
        {"step": "resample", "data_only": True},
        {"step": "histogram"},
        {"step": "scale", "percentiles": [1, 99]},
    ],
}
TRAINING = {"steps": 20, "batch": 4, "checked": 4}


@dataclass(frozen=True)
class Size:
    """How large a rehearsal is. share: of the full number of subjects; phantoms: generated subjects of each dataset;
    coarser: divides the voxels of a scan along each axis; every_step: the protocol as it is shipped."""

    share: Fraction
    phantoms: int = 4
    coarser: int = 1
    every_step: bool = False

    @property
    def subjects(self) -> dict[str, int]:
        """Number of subjects by dataset."""
        return {name: layout.count(self.share) for name, layout in LAYOUTS.items()}


@dataclass(frozen=True)
class Stage:
    """A command. n: the number of cases that it handles; grows: the folder that it writes to, below the work folder."""

    name: str
    words: tuple[str, ...]
    n: int
    grows: str


def stages(folder: Path, size: Size) -> Iterator[Stage]:
    """The stages in their order."""
    counts = size.subjects
    every = sum(counts.values())
    tree = ("--share", str(size.share), "--phantoms", str(size.phantoms), "--coarser", str(size.coarser))
    written = (sys.executable, "-m", "benchmarks.rehearsal.trees", str(folder / "data"), *tree)
    yield Stage("write the trees", written, every, "data")
    roots = tuple(word for name in counts for word in ("--data", f"{name}={folder / 'data' / name}"))
    config = ("--protocol", PROTOCOL, "--config", str(_config(folder, size)), *roots)
    one, out = ("--workers", "1"), ("--out", str(folder / "runs"))
    for name, count in counts.items():
        yield _verb(f"data check {name}", ("data", "check", name, *config, *one), count)
    yield _verb("audit of the data", ("audit", *config), every)
    for name, count in counts.items():
        yield _verb(f"prepare {name}", ("prepare", name, *config, *one), count, "cache")
    run = ("run", *METHODS, "--seeds", str(SEEDS), *config, *one, *out, "--threads", "1", "--device", "cpu")
    yield _verb("run", run, every, "runs")
    yield _verb("run, again", run, every, "runs")
    runs = str(folder / "runs")
    yield _verb("audit of the runs", ("audit", runs), every)
    yield _verb("evaluate", ("evaluate", runs, *roots, *one, "--device", "cpu"), every, "runs")
    yield _verb("leaderboard", ("leaderboard", runs, "--to", str(folder / "leaderboard.md")), every)


def _verb(name: str, words: tuple[str, ...], n: int, grows: str = "runs") -> Stage:
    return Stage(name, (sys.executable, "-m", "uad_bench", *words), n, grows)


def _config(folder: Path, size: Size) -> Path:
    """The file of --config: scans of the phantom are skull-stripped, networks are trained for a moment."""
    path = folder / "rehearsal.yaml"
    content = {
        "protocol": {} if size.every_step else QUICK,
        "datasets": {"ixi": {"stripped": True}},
        "methods": {"ae": TRAINING},
    }
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value}), "utf-8")
    return path


def environment(folder: Path) -> Mapping[str, str]:
    """The environment of the commands: one thread, and a cache of their own."""
    return {**os.environ, "UAD_BENCH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
