"""A verb in a child process whose time and memory are measured, and which may be killed.

The child is forked from this process, which has imported all that the verbs import: it starts in milliseconds, and its
memory and its time are those of the input alone.
"""

import importlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: Of the processor: a machine that is busy, or a process that is stopped, is no fault of the input.
LONGEST_S = 60
#: Nothing may wait for ever.
LONGEST_WAIT_S = 3600
PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024
#: The child cannot take more: it must not take the machine with it.
CEILING_BYTES = 4 << 30


@dataclass(frozen=True)
class Told:
    """How a verb ended: exit code (negative: the signal that ended it), output, seconds and MB of memory."""

    code: int
    out: str
    err: str
    seconds: float
    megabytes: float


def _nothing() -> None:
    """Nothing is done before the verb."""


def start(words: list[object], scratch: Path, before: Callable[[], None] = _nothing) -> int:
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

    limit = int(_size_kb(0) * 1024) + CEILING_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S))
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


def call(words: list[object], scratch: Path, before: Callable[[], None] = _nothing) -> Told:
    """A verb, to its end or for LONGEST_S seconds of the processor."""
    began, resident = time.monotonic(), _size_kb(1)
    pid = start(words, scratch, before)
    watched = 0
    while not watched:
        watched, status, used = os.wait4(pid, os.WNOHANG)
        if not watched and time.monotonic() - began > LONGEST_WAIT_S:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(status)
    out, err = ((scratch / name).read_text(errors="replace") for name in ("out", "err"))
    seconds = used.ru_utime + used.ru_stime  # of the processor: other processes of the machine do not count
    return Told(code, out, err, seconds, max(0.0, used.ru_maxrss - resident) / 1024)


def _size_kb(field: int) -> float:
    """Memory of this process, KiB: 0 all of the address space, 1 what is resident."""
    return int(Path("/proc/self/statm").read_text().split()[field]) * PAGE_KB


def preload(calls: list[list[object]], scratch: Path) -> None:
    """Call verbs in a child, and import here what they imported there; raises where one does not end with 0."""
    names = scratch / "modules"
    for words in calls:
        told = call(words, scratch, lambda: _lists_modules(names))
        assert told.code == 0, told.err
        for name in names.read_text().split():
            with suppress(ImportError):  # names that are no modules of their own
                importlib.import_module(name)


def _lists_modules(path: Path) -> None:
    """Let the verb write the names of all modules to a file as it ends."""
    real = sys.exit

    def leave(code: object = 0) -> None:
        known = [name for name, module in sys.modules.items() if getattr(module, "__spec__", None)]
        path.write_text("\n".join(name for name in known if name != "__main__"))
        real(code)  # type: ignore[arg-type]

    sys.exit = leave  # type: ignore[assignment]
