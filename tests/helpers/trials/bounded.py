"""A verb in a child process whose time and memory are measured, and which may be killed."""

import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LONGEST_S = 60
PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024


@dataclass(frozen=True)
class Told:
    """How a verb ended: exit code (negative: the signal that ended it), output, seconds and MB of memory."""

    code: int
    out: str
    err: str
    seconds: float
    megabytes: float


def start(words: list[object], scratch: Path, before: Callable[[], None] = lambda: None) -> int:
    """The process id of a child that calls a verb; `before` is called in it first."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(scratch / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        code = _called(words, before)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _called(words: list[object], before: Callable[[], None]) -> int:
    from uad_bench import cli

    sys.argv = ["uad-bench", *map(str, words)]
    try:
        before()
        cli.main()
    except SystemExit as left:
        return int(left.code or 0)
    except BaseException:
        traceback.print_exc()
        return 70
    return 0


def call(words: list[object], scratch: Path, before: Callable[[], None] = lambda: None) -> Told:
    """A verb, to its end or for LONGEST_S seconds."""
    pid, began, resident = start(words, scratch, before), time.monotonic(), _resident_kb()
    watched = 0
    while not watched:
        watched, status, used = os.wait4(pid, os.WNOHANG)
        if not watched and time.monotonic() - began > LONGEST_S:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(status)
    out, err = ((scratch / name).read_text(errors="replace") for name in ("out", "err"))
    seconds = used.ru_utime + used.ru_stime  # of the processor: other processes of the machine do not count
    seconds = seconds if time.monotonic() - began < LONGEST_S else LONGEST_S
    return Told(code, out, err, seconds, max(0.0, used.ru_maxrss - resident) / 1024)


def _resident_kb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KB


def preload() -> None:
    """Import what the verbs import, once, so that no child has to."""
    for name in (
        "uad_bench.cohort.prepare_datasets", "uad_bench.pipeline.matrix", "uad_bench.pipeline.reevaluate",
        "uad_bench.leaderboard.collect", "uad_bench.data.archive.unpack", "scipy.ndimage", "nibabel",
    ):  # fmt: skip
        importlib.import_module(name)
