"""A line now and then for work that takes minutes: how far it is, and how long it may still take."""

import time
from collections.abc import Callable

#: A case that took less was there before: it says nothing about the pace of the others.
INSTANT = 0.02


class Ticker:
    """Says `what: 12 of 40, about 3 min left` at most every few seconds; nothing at all for quick work."""

    def __init__(self, say: Callable[[str], None], what: str, every: float = 5.0) -> None:
        self._say, self._what, self._every = say, what, every
        self._before = self._said = time.monotonic()
        self._busy, self._made = 0.0, 0

    def __call__(self, done: int, total: int) -> None:
        """Another one is done: `done` of `total`."""
        now = time.monotonic()
        took, self._before = now - self._before, now
        if took > INSTANT:
            self._busy, self._made = self._busy + took, self._made + 1
        if now - self._said < self._every or done >= total or not self._made:
            return
        self._said = now
        left = self._busy / self._made * (total - done)
        self._say(f"{self._what}: {done} of {total}, about {duration(left)} left")


def duration(seconds: float) -> str:
    """`40 s`, `3 min` or `2.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
