"""Messages of a command: the standard library's logging, shown on stderr and kept in each run's log.txt.

Every module logs to `logging.getLogger(__name__)`: INFO tells progress, WARNING what a user must know, DEBUG details.
Results go to stdout and are no messages.
"""

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from logging import LogRecord
from pathlib import Path

#: The loggers above all modules of the three packages. They hand their messages on to the root logger as well.
NAMES = ("uad_bench", "uad_methods", "uad_datasets")


def show(*, quiet: bool = False, verbose: bool = False) -> None:
    """Show messages on stderr: in a terminal as they are, elsewhere with the time (UTC) in front of each line.

    quiet: warnings only; verbose: details too. A second call replaces the first.
    """
    handler = _terminal_handler() if sys.stderr.isatty() else _Stderr()
    if sys.stderr.isatty():
        handler.addFilter(lambda record: not getattr(record, "in_bar", False))  # a progress bar shows it
    else:
        handler.setFormatter(_utc())
    handler.setLevel(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
    for name in NAMES:
        log = logging.getLogger(name)
        log.handlers = [handler]
        log.setLevel(logging.DEBUG if verbose else logging.INFO)


class _Stderr(logging.Handler):
    """Lines on whatever is stderr at that moment: a program that embeds this one may exchange it."""

    def emit(self, record: LogRecord) -> None:
        with suppress(OSError, ValueError):  # stderr is closed, or its disk is full
            sys.stderr.write(f"{self.format(record)}\n")


def _terminal_handler() -> logging.Handler:
    """Rich's handler, so that messages and a progress bar share a terminal; it adds no colour."""
    from rich.console import Console
    from rich.highlighter import NullHighlighter
    from rich.logging import RichHandler

    return RichHandler(
        console=Console(stderr=True),
        show_time=False,
        show_level=False,
        show_path=False,
        highlighter=NullHighlighter(),
        keywords=[],
    )


def _utc() -> logging.Formatter:
    form = logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    form.converter = time.gmtime
    return form


class _Collector(logging.Handler):
    """Keeps the records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[LogRecord] = []

    def emit(self, record: LogRecord) -> None:
        self.records.append(record)


@contextmanager
def collected() -> Iterator[list[LogRecord]]:
    """The messages of the block, for the log.txt of every run that they concern."""
    collector = _Collector()
    with _attached(collector):
        yield collector.records


class _HeldBack(logging.Filter):
    """Holds back records that name their kind, and keeps them by kind."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, list[LogRecord]] = {}

    def filter(self, record: LogRecord) -> bool:
        kind = getattr(record, "kind", "")
        if kind:
            self.records.setdefault(kind, []).append(record)
        return not kind


@contextmanager
def summarised(logger: str) -> Iterator[None]:
    """Messages of one kind about single cases, logged by this logger in the block, become one line with their number.

    Such a message has the attributes `kind`, a text without the figures of the case, and `case_id`. A kind that comes
    once keeps its message.
    """
    log, held = logging.getLogger(logger), _HeldBack()
    log.addFilter(held)
    try:
        yield
    finally:
        log.removeFilter(held)
        for kind, records in held.records.items():
            if len(records) == 1:
                log.handle(records[0])
            else:
                first = getattr(records[0], "case_id", "")
                log.log(records[0].levelno, "%d cases, the first %s: %s", len(records), first, kind)


class _File(logging.FileHandler):
    """A log file; a full disk is reported once and does not end the run."""

    _failed = False

    def handleError(self, record: LogRecord) -> None:  # noqa: N802  # the name that logging calls
        if not self._failed:
            self._failed = True
            sys.stderr.write(f"cannot write {self.baseFilename}: {sys.exc_info()[1]}\n")

    def close(self) -> None:
        with suppress(OSError):  # reported by handleError already
            super().close()


@contextmanager
def written(path: Path, earlier: Sequence[LogRecord] = ()) -> Iterator[None]:
    """Append the messages of the block to a file, each with its time (UTC), after those collected `earlier`."""
    handler = _File(path, encoding="utf-8")
    handler.setFormatter(_utc())
    for record in earlier:
        handler.handle(record)
    try:
        with _attached(handler):
            yield
    finally:
        handler.close()


@contextmanager
def _attached(handler: logging.Handler) -> Iterator[None]:
    """Messages of INFO and above go to `handler` too, also where nothing shows them."""
    handler.setLevel(logging.INFO)
    logs = [logging.getLogger(name) for name in NAMES]
    before = [log.level for log in logs]
    for log in logs:
        log.addHandler(handler)
        if log.getEffectiveLevel() > logging.INFO:
            log.setLevel(logging.INFO)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.removeHandler(handler)
            log.setLevel(level)
