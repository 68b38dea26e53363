"""Findings of a check, errors and warnings: collected where other code raises, so that none hides another."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from uad_bench.errors import DataError, EnvironmentFault, UadError, one_line
from uad_bench.support import messages

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

#: The headings under which errors are reported, by code.
HEADINGS = {
    "UB321": "files that are missing, empty or unreadable",
    "UB322": "damaged or truncated files",
    "UB323": "files that are not NIfTI",
    "UB324": "headers with impossible sizes",
    "UB325": "files without a usable orientation",
    "UB326": "NaN or Inf inside the brain",
    "UB327": "images without contrast",
    "UB328": "masks that do not fit their image",
    "UB329": "duplicates",
    "UB331": "brain masks that cannot be used",
    "UB332": "missing modalities",
    "UB333": "missing lesion masks",
    "UB334": "data that the adapter cannot read as cases",
    "UB336": "brains of implausible volume",
    "UB337": "lesions that fill more than half of the brain",
    "UB342": "labels that the dataset does not know, or that contradict each other",
    "UB338": "healthy cases with lesions",
    "UB501": "files longer than their header declares",
    "UB502": "ids that cannot be used",
}
LOGGED = "accepted with a warning"


@dataclass(frozen=True)
class Finding:
    """One problem of a case, or of the dataset where `case_id` is empty.

    kind: the heading that it is listed under; text: one line that names the case and the file; exit_code: that of
    the error, 0 for a warning.
    """

    kind: str
    text: str
    case_id: str = ""
    exit_code: int = 0

    @property
    def is_error(self) -> bool:
        """Whether the case cannot be used as it is."""
        return self.exit_code != 0


def finding_of(error: UadError, case_id: str = "") -> Finding:
    """The finding for an error that would stop the preparation."""
    return Finding(HEADINGS.get(error.code, "other errors"), str(error), case_id, error.exit_code)


class FindingList:
    """The findings of one case, or of the dataset where `case_id` is empty."""

    def __init__(self, case_id: str = "") -> None:
        self.case_id = case_id
        self.findings: list[Finding] = []

    def error(self, error: UadError) -> None:
        """Add an error that would stop the preparation."""
        self.findings.append(finding_of(error, self.case_id))

    def warn(self, kind: str, what: str) -> None:
        """Add a warning for the user to check."""
        text = f"{self.case_id}: {what}" if self.case_id else what
        self.findings.append(Finding(kind, one_line(text), self.case_id))

    def attempt(
        self, read: Callable[Parameters, Answer], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Answer | None:
        """The result of `read`; None where it raises, with the error added.

        An exception that a library raises for one file must not end the check of all others.
        """
        try:
            return read(*args, **kwargs)
        except UadError as error:
            self.error(error)
        except MemoryError:
            self.error(EnvironmentFault("out of memory", where=self.case_id, hint="use fewer workers"))
        except Exception as error:
            what = f"cannot be checked: {type(error).__name__}: {error}"
            self.error(DataError(what, where=self.case_id, hint="check its files"))
        return None

    @contextmanager
    def capturing_warnings(self) -> Iterator[None]:
        """Add the warnings that readers and adapters log within the block, instead of showing them.

        They are shown after all where the block raises, because no report follows.
        """
        logs = [logging.getLogger(name) for name in messages.NAMES]
        before, kept = [(log.handlers, log.propagate) for log in logs], list[logging.LogRecord]()
        for log in logs:
            log.handlers, log.propagate = [_WarningCapture(self, log.handlers, kept)], False
        try:
            yield
            kept.clear()
        finally:
            for log, (handlers, propagate) in zip(logs, before, strict=True):
                log.handlers, log.propagate = handlers, propagate
            for record in kept:
                logging.getLogger(record.name).handle(record)


class _WarningCapture(logging.Handler):
    """Adds warnings to a list of findings; passes progress messages on."""

    def __init__(
        self, found: FindingList, others: Sequence[logging.Handler], kept: list[logging.LogRecord]
    ) -> None:
        super().__init__()
        self._found, self._others, self._kept = found, others, kept

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING:
            for handler in self._others:
                handler.handle(record)
            return
        text = one_line(record.getMessage())
        finding = Finding(getattr(record, "heading", LOGGED), text, self._found.case_id)
        if finding not in self._found.findings:  # a file may be read more than once
            self._found.findings.append(finding)
            self._kept.append(record)
