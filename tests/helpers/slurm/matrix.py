"""The matrix of a trial: 3 methods x 2 seeds, tested on 2 sets, serially or as jobs, and what is left of it."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tests.helpers import toy_data, toy_other
from tests.helpers.slurm import methods
from uad_bench.engines import matrix_file, squeue, states
from uad_bench.engines.states import JobState

SETS = (toy_data.__file__, toy_other.__file__)
PROTOCOL = Path(toy_data.__file__).with_name("toy.yaml")
METHODS = ("thresh", f"{methods.__file__}:Gated", f"{methods.__file__}:Second")
FILE = """
cpus: 1
memory_gib: 0.5
hours: 1
signal_seconds: 40
prepare: {jobs: 2, memory_gib: 0.5}
board: {memory_gib: 0.5}
"""
#: Digests of files that hold times of the clock.
TIMES = {"status.json"}


def make_sets(root: Path) -> list[str]:
    """Write two toy cohorts of different subjects, unless they are there; the options that name them."""
    options = []
    for number, adapter in enumerate(SETS):
        folder = root / f"set{number}"
        folder.mkdir(parents=True, exist_ok=True)
        for place, case_id in enumerate([*(f"h{i:02d}" for i in range(10 - 6 * number)), "a00", "b00"]):
            if not (folder / f"{case_id}_brain.nii.gz").exists():
                toy_data.write_case(folder, case_id, np.random.default_rng(1000 * number + place))
        options += ["--data", f"{adapter}={folder}"]
    return options


class TrialMatrix:
    """A matrix below a folder. file: of --on slurm:FILE.yaml."""

    def __init__(
        self,
        root: Path,
        data: Sequence[str],
        names: Sequence[str] = METHODS,
        seeds: int = 2,
        file: str = FILE,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root, self.out, self._file = root, root / "runs", root / "file.yaml"
        self._file.write_text(file)
        over = [f"protocol.train={SETS[0]}", f"protocol.test=[{','.join(SETS)}]"]
        over += [f"protocol.splits.tune={{{SETS[0]}: 0.4, {SETS[1]}: 0.4}}"]
        options = ["--protocol", PROTOCOL, *data, *(word for one in over for word in ("--set", one))]
        options += ["--threads", 1, "--checkpoint-minutes", 0, "--seeds", seeds, "--out", self.out]
        self.words = [str(word) for word in ("run", *names, *options)]

    def command(self, *more: str) -> list[str]:
        """The command line with other words at its end."""
        return [sys.executable, "-m", "uad_bench", *self.words, *more]

    def environment(self) -> dict[str, str]:
        """The variables of the command and of its jobs."""
        return {**os.environ, "UAD_TRIAL": str(self.root)}

    def serial(self) -> None:
        """Carry the runs out in one process."""
        self.open_gate()
        self._call(self.command("--device", "cpu"))

    def submit(self, *more: str) -> None:
        """Submit the runs to Slurm."""
        self._call(self.command(*self.on, *more))

    @property
    def on(self) -> list[str]:
        """The options by which the runs become jobs."""
        return ["--device", "cpu", "--on", f"slurm:{self._file}"]

    def jobs(self, *options: str) -> tuple[int, str]:
        """Exit code and output of `jobs`."""
        words = [sys.executable, "-m", "uad_bench", "jobs", str(self.out), *options]
        done = subprocess.run(words, env=self.environment(), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def _call(self, words: Sequence[str]) -> None:
        done = subprocess.run(words, env=self.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def open_gate(self) -> None:
        """Let the trainings come to their end at once."""
        (self.root / methods.GATE).touch()

    @property
    def folder(self) -> Path:
        """The folder of matrix.json."""
        return matrix_file.matrices(self.out)[-1]

    def states(self) -> list[JobState]:
        """What `jobs` says of each run at this moment."""
        matrix = matrix_file.load(self.folder)
        return states.states(self.folder, matrix, squeue.ask([one.name for one in matrix.submissions]))

    def wait(self, condition: Callable[[list[JobState]], bool], seconds: float = 1800) -> list[JobState]:
        """Wait until the states fulfil a condition; the states."""
        end = time.monotonic() + seconds
        while not condition(now := self.states()):
            assert time.monotonic() < end, now
            time.sleep(0.3)
        return now

    def finish(self) -> None:
        """Open the gate and wait for the end of all runs."""
        self.open_gate()
        self.wait(all_done)

    def starts(self, number: int) -> int:
        """How often the job of a run was started."""
        try:
            return int(json.loads(matrix_file.job_record(self.folder, "run", number).read_text())["starts"])
        except OSError:
            return 0

    def digests(self) -> dict[str, str]:
        """The digests of all results, by their path below the folder of runs, without those of times."""
        found = {}
        for path in self.out.rglob("digests.json"):
            values: dict[str, str] = json.loads(path.read_text())
            place = path.parent.relative_to(self.out)
            found |= {f"{place}/{name}": value for name, value in values.items() if name not in TIMES}
        return found

    def repeated_steps(self) -> dict[str, int]:
        """How many steps of each training were made more than once."""
        journals = [path for path in self.root.iterdir() if path.stem.startswith(("Gated", "Second"))]
        return {
            path.name: len(lines) - len(set(lines))
            for path in journals
            if (lines := path.read_text().split())
        }


def all_done(now: Sequence[JobState]) -> bool:
    """Whether every run is done."""
    return {one.state for one in now} == {"done"}


def are_training(now: Sequence[JobState], count: int = 1) -> bool:
    """Whether so many runs are training."""
    return sum(one.state == "running" and "step" in one.detail for one in now) >= count


def counted(now: Sequence[JobState]) -> str:
    """The number of runs by state, as `jobs` writes it."""
    return ", ".join(f"{count} {state}" for state, count in Counter(one.state for one in now).items())
