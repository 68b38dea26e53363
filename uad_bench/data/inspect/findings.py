"""What a check has to say: errors and warnings, collected where others raise, so that none hides another."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from uad_bench.data.nifti.validation import log
from uad_bench.errors import DataError, EnvironmentFault, UadError

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

#: The headings under which errors are reported, by code.
HEADINGS = {
    "UB321": "files that are missing, empty or cannot be read",
    "UB322": "damaged or truncated files",
    "UB323": "files that are not NIfTI",
    "UB324": "headers whose sizes cannot be",
    "UB325": "files without a usable orientation",
    "UB326": "NaN or Inf inside the brain",
    "UB327": "images without contrast",
    "UB328": "masks that do not fit their image",
    "UB329": "what is met twice",
    "UB331": "brain masks that cannot be used",
    "UB332": "missing modalities",
    "UB333": "missing lesion masks",
    "UB338": "healthy cases with lesions",
    "UB501": "files that go on beyond their declared size",
    "UB502": "ids that cannot be used",
}
REMARKS = "accepted with a remark"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or odd with a case, or with the dataset where `case_id` is empty.

    kind: the heading it is grouped under; text: one line that names the case and the file; exit_code: that of
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


def of_error(error: UadError, case_id: str = "") -> Finding:
    """The finding for an error that would end the preparation."""
    return Finding(HEADINGS.get(error.code, "other errors"), str(error), case_id, error.exit_code)


class Notes:
    """The findings of one case, or of the dataset where `case_id` is empty."""

    def __init__(self, case_id: str = "") -> None:
        self.case_id = case_id
        self.findings: list[Finding] = []

    def error(self, error: UadError) -> None:
        """Note what would end the preparation."""
        self.findings.append(of_error(error, self.case_id))

    def warn(self, kind: str, what: str) -> None:
        """Note what a person should look at."""
        text = f"{self.case_id}: {what}" if self.case_id else what
        self.findings.append(Finding(kind, " ".join(text.split()), self.case_id))

    def attempt(
        self, read: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs
    ) -> Answer | None:
        """What `read` gives; None, and its error noted, where it raises.

        What a library throws at a strange file must not end the check of all others.
        """
        try:
            return read(*args, **kwargs)
        except UadError as error:
            self.error(error)
        except MemoryError:
            self.error(EnvironmentFault("out of memory", where=self.case_id, hint="use fewer workers"))
        except Exception as error:
            what = f"cannot be checked: {type(error).__name__}: {error}"
            self.error(DataError(what, where=self.case_id, hint="look at its files"))
        return None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Warnings that readers and adapters log meanwhile are noted here instead."""
        handlers, propagate = log.handlers, log.propagate
        log.handlers, log.propagate = [_Ear(self, handlers)], False
        try:
            yield
        finally:
            log.handlers, log.propagate = handlers, propagate


class _Ear(logging.Handler):
    """Notes warnings; hands progress on."""

    def __init__(self, notes: Notes, others: Sequence[logging.Handler]) -> None:
        super().__init__()
        self._notes, self._others = notes, others

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING:
            for handler in self._others:
                handler.handle(record)
            return
        text = " ".join(record.getMessage().split())
        self._notes.findings.append(Finding(REMARKS, text, self._notes.case_id))
