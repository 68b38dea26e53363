"""A line now and then for work that takes minutes: how many pieces are done, and the time left."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

#: Seconds. A piece that took less was in the cache: it says nothing about the pace of the others.
INSTANT = 0.02
#: Seconds between two lines of work that says nothing of its pieces.
BEAT = 25.0


class Ticker:
    """Logs `what: 12 of 40, about 3 min left` at most every few seconds; nothing at all for quick work."""

    def __init__(self, what: str, every: float = 5.0) -> None:
        self._what, self._every = what, every
        self._before = self._said = time.monotonic()
        self._busy, self._made = 0.0, 0

    def __call__(self, done: int, total: int) -> None:
        """Another piece is done: `done` of `total`."""
        now = time.monotonic()
        took, self._before = now - self._before, now
        if took > INSTANT:
            self._busy, self._made = self._busy + took, self._made + 1
        if now - self._said < self._every or done >= total or not self._made:
            return
        self._said = now
        left = self._busy / self._made * (total - done)
        log.info("%s: %d of %d, about %s left", self._what, done, total, duration(left))


@contextmanager
def heartbeat(what: str, every: float = BEAT) -> Iterator[None]:
    """Logs `what, for 25 s so far` every 25 s while the block runs: for work of others that reports no progress."""
    ended, began = threading.Event(), time.monotonic()

    def beat() -> None:
        while not ended.wait(every):
            log.info("%s, for %s so far", what, duration(time.monotonic() - began))

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def duration(seconds: float) -> str:
    """`40 s`, `3 min` or `2.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
