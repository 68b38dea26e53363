"""Verbs that are killed and repeated: the files must be those of an undisturbed run, and nothing else."""

import ctypes
import hashlib
import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from tests.helpers.trials.bounded import call, start
from tests.helpers.trials.stock import TRAINED, Stock, cache

VERBS = ("prepare", "run", "evaluate", "leaderboard")
CALLS = ("fsync", "replace", "rename", "link")
#: What status.json and digests.json hold that differs from run to run.
TIMES = {"fit_s", "score_s", "score_s_per_scan", "peak_memory_mib", "gpu_memory_mib", "status.json"}


class Killed:
    """One verb on a stock: `where` holds its cache and results, new for each trial. kills: killed processes."""

    def __init__(self, verb: str, stock: Stock) -> None:
        self.verb, self.stock, self.kills = verb, stock, 0
        one, other = (self._undisturbed() for _ in range(2))
        # Two logs are equal only where both were written in the same second.
        same = (
            name for name, digest in one.items() if other.get(name) == digest and Path(name).name != "log.txt"
        )
        self.digests = {name: one[name] for name in same}
        self.names = set(one)
        self.differ = sorted(self.names - set(self.digests))
        self.moments, self.seconds = self._measured()

    def words(self, where: Path) -> list[object]:
        source, runs = [*self.stock.source(), "--quiet"], where / "runs"
        under = [*self.stock.protocol()]
        return {
            "prepare": ["prepare", "folder", *source, *under],
            "run": ["run", *TRAINED, *source, *under, "--out", runs, "--threads", 1, "--resume"],
            "evaluate": ["evaluate", runs, *source],
            "leaderboard": ["leaderboard", runs, "--format", "json", "--to", where / "table.json"],
        }[self.verb]

    def at_call(self, number: int) -> str | None:
        """Kill before the n-th fsync, replace, rename, link or exchange."""
        with self._place() as where:
            told = call(self.words(where), self.stock.scratch, lambda: _dies_at(number))
            self.kills += told.code == -9
            return f"ended with {told.code}" if told.code not in {0, -9} else self._repeated(where)

    def after(self, share: float) -> str | None:
        """Kill after this share of the time of an undisturbed run."""
        with self._place() as where:
            pid = start(self.words(where), self.stock.scratch)
            time.sleep(share * self.seconds)
            os.kill(pid, signal.SIGKILL)
            self.kills += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
            return self._repeated(where)

    def _repeated(self, where: Path) -> str | None:
        """What is wrong after the kill, or after the command was given again."""
        if self.verb in {"evaluate", "leaderboard"} and (told := self.stock.board(where / "runs")).code:
            return f"the old results do not stand: {told.err[-300:]}"
        told = call(self.words(where), self.stock.scratch)
        if told.code:
            return f"again: exit {told.code}: {told.err[-300:]}"
        found = digests(where)
        if litter := sorted(set(found) - self.names):
            return f"litter: {litter[:3]}"
        lost = sorted(name for name, digest in self.digests.items() if found.get(name) != digest)
        lost += sorted(name for name in self.differ if name not in found)
        return f"other or lost: {lost[:3]}" if lost else _unsealed(where)

    def _place(self) -> "_Place":
        return _Place(self.stock, copied=self.verb in {"evaluate", "leaderboard"})

    def _undisturbed(self) -> dict[str, str]:
        with self._place() as where:
            told = call(self.words(where), self.stock.scratch)
            assert told.code == 0, told.err
            return digests(where)

    def _measured(self) -> tuple[int, float]:
        """The number of fsync, replace and rename calls, and the seconds, of an undisturbed run."""
        with self._place() as where:
            count, began = self.stock.scratch / "count", time.monotonic()
            call(self.words(where), self.stock.scratch, lambda: _counts(count))
            return len(count.read_text()), time.monotonic() - began


class _Place:
    """A new folder with its own cache; `copied`: with the finished run of the stock and its cache."""

    def __init__(self, stock: Stock, *, copied: bool) -> None:
        self.stock, self.copied = stock, copied

    def __enter__(self) -> Path:
        self.folder = tempfile.TemporaryDirectory(dir=self.stock.root)
        where = Path(self.folder.name)
        if self.copied:
            shutil.copytree(self.stock.runs, where / "runs")
            shutil.copytree(os.environ["UAD_BENCH_CACHE"], where / "cache")
        self.cache = cache(where / "cache")
        self.cache.__enter__()
        return where

    def __exit__(self, *_error: object) -> None:
        self.cache.__exit__(None, None, None)
        self.folder.cleanup()


def digests(where: Path) -> dict[str, str]:
    """The SHA-256 of every file in a folder, by its name there; of a folder an empty text.

    Of status.json and digests.json without the times that they hold.
    """
    return {
        str(path.relative_to(where)): hashlib.sha256(_content(path)).hexdigest() if path.is_file() else ""
        for path in where.rglob("*")
    }


def _content(path: Path) -> bytes:
    if path.name not in {"status.json", "digests.json"}:
        return path.read_bytes()
    held = json.loads(path.read_text())
    return json.dumps({name: value for name, value in held.items() if name not in TIMES}).encode()


def _unsealed(where: Path) -> str | None:
    """The first run whose state or digests are not those of a finished one."""
    from uad_bench.errors import UadError
    from uad_bench.results.find_runs import find_runs

    try:
        for run in find_runs([where / "runs"] if (where / "runs").is_dir() else []):
            run.verify(maps=True)
            if run.state != "complete":
                return f"{run.name} is {run.state}"
    except UadError as error:
        return f"the seal: {error}"
    return None


def _wrap(before) -> None:
    for name in CALLS:
        setattr(os, name, _wrapped(getattr(os, name), before))
    library = ctypes.CDLL(None, use_errno=True)
    if hasattr(library, "renameat2"):  # by which folders are exchanged
        library.renameat2 = _wrapped(library.renameat2, before)
        ctypes.CDLL = lambda *_name, **_more: library  # type: ignore[assignment, misc]


def _wrapped(real, before):
    def wrapped(*args, **more):
        before()
        return real(*args, **more)

    return wrapped


def _counts(path: Path) -> None:
    path.write_text("")
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    _wrap(lambda: os.write(file, b"."))


def _dies_at(number: int) -> None:
    left = [number]

    def step() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    _wrap(step)
