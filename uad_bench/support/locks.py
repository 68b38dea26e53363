"""Locks among processes: `flock`, which ends with its process, and a lease, which hosts see on every shared disk."""

import errno
import fcntl
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from uad_bench.support import lease

log = logging.getLogger(__name__)

#: Seconds between two attempts at a lock, at first and at last.
SOON, LATER = 0.05, 1.0
#: Seconds of waiting after which a message names the process that is waited for.
PATIENCE = 10.0
#: Seconds in which a process that has the `flock` writes its lease.
SIGNING = 2.0
#: Errors of file systems without `flock`.
NO_FLOCK = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


class Busy(Exception):
    """Another process has the lock; the text names it, since when it has it, and its last sign of life."""


def lease_of(path: Path) -> Path:
    """The lease of the lock `path`, next to it."""
    return path.with_suffix(".lease")


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock `path`, a file that is made and stays; the lease next to it has the suffix `.lease`.

    wait: wait for a living process that has the lock, else raise Busy. A lease whose process may have ended on another
    host is watched until it is renewed or stale. Raises OSError where the folder cannot be written.
    """
    holder = lease.Holder.here()
    place = lease_of(path)
    flock = _acquired(path, place, holder, wait)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(place, holder, ended), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()  # else it may take the next holder's lease for a takeover of this one
        lease.remove(place, holder)
        _close(flock)


def remove_left_lease(path: Path) -> None:
    """Remove the lease that a killed process left beside the lock `path`; that of a living process stays."""
    place = lease_of(path)
    seen = lease.read(place)
    if seen is None:
        return
    with suppress(OSError):  # a folder that may not be written
        flock, free = _flock(path)
        if free and seen.holder.is_gone(lease.Holder.here(), flock is not None):
            lease.remove(place, seen.holder)
        _close(flock)


def _acquired(path: Path, place: Path, holder: lease.Holder, wait: bool) -> int | None:
    """The descriptor of the `flock`, None where the file system has none, once the lease is this process's own."""
    watch = _Watch(path)
    while True:
        flock, free = _flock(path)
        if free and lease.create(place, holder):
            return flock
        seen = lease.read(place)
        if seen and free and (seen.holder.is_gone(holder, flock is not None) or watch.is_stale(seen)):
            lease.remove(place, seen.holder)
        _close(flock)
        known = seen is not None and seen.holder != lease.UNKNOWN
        if not wait and ((not free and (known or watch.is_long)) or watch.is_renewed(seen)):
            raise Busy(str(seen or lease.UNKNOWN))
        watch.pause(seen)


class _Watch:
    """A lease as it was seen first, and for how long it has not changed."""

    def __init__(self, path: Path) -> None:
        self._path, self._renewed = path, False
        self._first: lease.Seen | None = None
        self._began = self._told = time.monotonic()
        self._since, self._pause = self._began, SOON

    @property
    def is_long(self) -> bool:
        """Whether a process that has the `flock` had the time to write its lease."""
        return time.monotonic() - self._began > SIGNING

    def is_stale(self, seen: lease.Seen) -> bool:
        """Whether nobody renewed the lease while it was watched for long enough."""
        self._note(seen)
        return seen.is_abandoned or time.monotonic() - self._since > lease.STALE

    def is_renewed(self, seen: lease.Seen | None) -> bool:
        """Whether the lease was renewed while it was watched, so that its process lives."""
        self._note(seen)
        return self._renewed

    def _note(self, seen: lease.Seen | None) -> None:
        if seen is None or self._first == seen:
            return
        if self._first is not None:
            self._renewed, self._since = True, time.monotonic()
        self._first = seen

    def pause(self, seen: lease.Seen | None) -> None:
        """Wait for a moment, with a message once it has taken long."""
        if self._told == self._began and time.monotonic() - self._began > PATIENCE:
            self._told = time.monotonic()
            log.info("%s is in use: waiting for %s", self._path.name, seen or lease.UNKNOWN)
        time.sleep(self._pause)
        self._pause = min(LATER, 1.5 * self._pause)


def _flock(path: Path) -> tuple[int | None, bool]:
    """The descriptor of an `flock`, None where there is none; and False where another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in NO_FLOCK:
            return None, True
        if isinstance(error, BlockingIOError):
            return None, False
        raise
    return descriptor, True


def _close(flock: int | None) -> None:
    if flock is not None:
        with suppress(OSError):
            os.close(flock)


def _renew(place: Path, holder: lease.Holder, ended: threading.Event) -> None:
    """Renew a lease until the lock is released; end this process as SIGTERM does where another one took the lease."""
    while not ended.wait(lease.BEAT):
        if not lease.renew(place, holder):
            seen, ends = lease.read(place), callable(signal.getsignal(signal.SIGTERM))
            what = "this process ends" if ends else "this process must end; stop it"
            log.error("%s was taken over by %s: %s", place, seen or lease.UNKNOWN, what)
            if ends:
                os.kill(os.getpid(), signal.SIGTERM)
            return
