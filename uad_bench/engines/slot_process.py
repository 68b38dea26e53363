"""The process of a run in a slot: started, told to save, and ended with all that it has started.

It leads a session of its own. So Ctrl-C in the terminal reaches it as SIGTERM from here alone, and what it leaves
behind when it is killed (a worker with memory of the GPU, which also keeps its stderr open) can be found and ended.
"""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from uad_bench.engines.slots import Slot
from uad_bench.errors import EnvironmentFault

#: Seconds between two looks at a process.
POLL = 0.1
#: Seconds for the last messages of a process that has ended, and for the end of what it has left behind.
DRAIN = 10.0
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")


class SlotProcess:
    """`show` receives each line that the process writes to stderr; its stdout is discarded.

    error: the last line in which it named an error, "" without one.
    """

    error = ""

    def __init__(self, command: Sequence[str], slot: Slot, show: Callable[[str], None]) -> None:
        self.slot, self._show = slot, show
        self._died: float | None = None
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, **slot.variables},
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            what = f"cannot start a process: {error.strerror or error}"
            raise EnvironmentFault(what, where=slot.name, hint="use fewer slots") from error
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stderr or ():
            text = STAMP.sub("", line.rstrip("\n"))
            if text.startswith("error["):
                self.error = text
            self._show(text)

    def has_ended(self) -> bool:
        """Whether the process and all that it started have ended and its messages are shown.

        The process is reaped at last: until then no other process can get its number, to which signals are sent.
        """
        if self._process.returncode is not None:
            return True
        if not os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            return False
        if self._died is None:
            self._died = time.monotonic()
            self._signal(signal.SIGTERM)
        if self._reader.is_alive() and time.monotonic() - self._died < DRAIN:
            return False
        self._kill()
        return True

    @property
    def code(self) -> int:
        """The exit code, negative for the number of a signal."""
        return int(self._process.returncode)

    def terminate(self) -> None:
        """Send SIGTERM: the process saves its state and ends."""
        self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for the end, and end the process where it does not."""
        end = time.monotonic() + seconds
        while not self.has_ended() and time.monotonic() < end:
            time.sleep(POLL)
        if self._process.returncode is None:
            self._kill()

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> None:
        """Send a signal to the process and to what it has started."""
        with suppress(ProcessLookupError, PermissionError):  # PermissionError: on macOS, where all have ended
            os.killpg(self._process.pid, number)
