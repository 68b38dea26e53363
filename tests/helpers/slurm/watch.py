"""Whether `jobs` tells the truth: what it says is compared all the time with the processes that live."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.helpers.slurm.matrix import TrialMatrix
from uad_bench.engines import matrix_file, states

#: Seconds between two comparisons.
EVERY = 1.0


def processes(matrix: TrialMatrix) -> dict[int, dict[str, int]]:
    """By number of a run, the processes that live for it: `child`, its command; `job`, the process of submitit."""
    found: dict[int, dict[str, int]] = {}
    numbers = _numbers(matrix)
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if (
                str(matrix.folder / "log") in words
                and "submitit.core._submit" in words
                and "srun" not in words[0]
            ):
                number = numbers.get(_job(process))
                if number is not None:
                    found.setdefault(number, {})["job"] = int(process.name)
            for word in words[1:] if "uad_bench" in words else ():
                if word.startswith(f"{matrix.folder}/runs/"):
                    found.setdefault(int(Path(word).stem), {})["child"] = int(process.name)
    return found


def _numbers(matrix: TrialMatrix) -> dict[tuple[str, int], int]:
    """The numbers of runs by name and index of their jobs."""
    submissions = matrix_file.load(matrix.folder).submissions
    runs = [one for one in submissions if one.stage == "run"]
    return {(one.name, index): number for one in runs for index, number in enumerate(one.numbers)}


def _job(process: Path) -> tuple[str, int]:
    """Name and index of the Slurm job of a process."""
    cells = (process / "environ").read_bytes().decode(errors="replace").split("\0")
    variables: Mapping[str, str] = dict(cell.split("=", 1) for cell in cells if "=" in cell)
    return variables.get("SLURM_JOB_NAME", ""), int(variables.get("SLURM_ARRAY_TASK_ID", "0"))


class Watch:
    """Compares while it is open. lag: the longest time in s for which `jobs` said something else than what was so.

    fault: the error that ended the comparisons, "" where there was none.
    """

    def __init__(self, matrix: TrialMatrix) -> None:
        self._matrix, self._ended = matrix, threading.Event()
        self._since: dict[int, tuple[float, str]] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.lag, self.comparisons, self.told, self.fault = 0.0, 0, "", ""

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            if not matrix_file.matrices(self._matrix.out):
                continue  # nothing is submitted yet
            try:
                self._compare()
            except Exception as error:  # of a thread, told by `problem`
                self.fault = f"the comparisons ended with {error!r}"
                return

    def problem(self, lag: float) -> str:
        """Why the trial has failed, "" where `jobs` was compared and was wrong for at most `lag` seconds."""
        if self.fault or not self.comparisons:
            return self.fault or "`jobs` was never compared"
        return f"`jobs` said for {self.lag:.1f} s: {self.told}" if self.lag > lag else ""

    def _compare(self) -> None:
        before = processes(self._matrix)
        said = self._matrix.states()
        after, now = processes(self._matrix), time.monotonic()
        for one in said:
            self.comparisons += 1
            lives = [self._lives(one.number, found) for found in (before, after)]
            wrong = (one.state == "running" and not any(lives)) or (
                one.state not in {"running", "done"} and all(lives)
            )
            if not wrong:
                self._since.pop(one.number, None)
                continue
            began, _ = self._since.setdefault(one.number, (now, one.state))
            if now - began > self.lag:
                self.lag, self.told = (
                    now - began,
                    f"{one.label}: {one.state}, {one.detail}, processes {after.get(one.number)}",
                )

    def _lives(self, number: int, found: Mapping[int, Mapping[str, int]]) -> bool:
        """Whether a run is under way; a command that has saved and released its run may take long to end."""
        run = states.run_of(self._matrix.folder, number)
        released = run is not None and run.holder() is None
        return bool(found.get(number, {}).keys() - ({"child"} if released else set()))
