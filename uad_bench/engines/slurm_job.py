"""What runs inside a Slurm job: one command of uad-bench as a child, ended in time and queued again.

Slurm sends SIGUSR2 to every process of a job some minutes before its time limit. The child must not see it: it gets
SIGTERM from here, saves and exits with 143, and submitit then queues the job again. SIGTERM (scancel, preemption)
reaches the child from Slurm itself.
"""

import ctypes
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uad_bench.support.atomic_files import write_json
from uad_bench.support.lease import slurm_job

PDEATHSIG = 1
#: Seconds between two looks at the child.
POLL = 0.1
_child: subprocess.Popen[str] | None = None


class JobFailed(RuntimeError):
    """The command of a job ended with an error."""


@dataclass
class SlurmJob:
    """The function that submitit carries out. words: of uad-bench; record: how it ended; grace: seconds to save."""

    words: list[str]
    record: str
    grace: float

    def __call__(self) -> int:
        """Run the command to its end. Raises JobFailed where it did not end with 0."""
        began = time.time()
        self._write(began=began)
        child, last = _start(self.words), _Errors()
        reader = threading.Thread(target=last.relay, args=(child,), daemon=True)
        reader.start()
        while (code := child.poll()) is None:
            time.sleep(POLL)
        reader.join(10)
        code = 128 - code if code < 0 else code
        self._write(began=began, ended=time.time(), code=code, error=last.text if code else "")
        if code:
            raise JobFailed(f"exit code {code}: {last.text or ' '.join(self.words)}")
        return code

    def checkpoint(self) -> Any:  # submitit.helpers.DelayedSubmission
        """Called by submitit at SIGUSR2: the child saves and ends; the same job is queued again."""
        from submitit.helpers import DelayedSubmission

        if _child is not None:
            _end(_child, self.grace)
        _remove_leftovers()
        return DelayedSubmission(self)

    def _write(self, **facts: Any) -> None:
        job, starts = slurm_job()
        here = {"job": job, "starts": starts + 1, "host": platform.node()}
        write_json(Path(self.record), here | facts)


def _start(words: list[str]) -> "subprocess.Popen[str]":
    """The child, which does not receive SIGUSR2, and ends when this process is killed."""
    global _child  # noqa: PLW0603  # the signal handler has no other way to it
    command = [sys.executable, "-m", "uad_bench", *words]
    print(json.dumps(command), flush=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        _child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            preexec_fn=_prepare_child,  # noqa: PLW1509  # no thread has begun
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return _child


def _prepare_child() -> None:
    """In the child: SIGTERM when the parent is killed, and SIGUSR2 ignored by it and by its own children."""
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})


def _end(child: "subprocess.Popen[str]", grace: float) -> None:
    """SIGTERM to a child, SIGKILL after `grace` seconds.

    The child is not reaped here: the code that this handler interrupts may hold the lock of `Popen.wait`.
    """
    end = time.monotonic() + grace
    child.send_signal(signal.SIGTERM)
    while time.monotonic() < end:
        if child.returncode is not None or os.waitid(
            os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG
        ):
            return
        time.sleep(POLL)
    os.kill(child.pid, signal.SIGKILL)


def _remove_leftovers() -> None:
    """Remove what a killed checkpoint left: submitit refuses to write its pickle where such a file is."""
    folder, (job, _) = os.environ.get("SUBMITIT_FOLDER", ""), slurm_job()
    for path in Path(folder).glob(f"{job}_*.save_tmp") if folder and job else []:
        path.unlink(missing_ok=True)


class _Errors:
    """The stderr of a child, passed on; text: its last error."""

    text = ""

    def relay(self, child: "subprocess.Popen[str]") -> None:
        """Pass lines on until the child closes its stderr."""
        for line in child.stderr or ():
            sys.stderr.write(line)
            sys.stderr.flush()
            if line.startswith("error["):
                self.text = line.strip()
