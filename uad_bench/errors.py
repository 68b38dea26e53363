"""Every error that a user may meet, as one class tree.

    UadError                     1
    ├── UsageError               2   a name, key, value or combination that is not valid
    ├── DataError                3   a file, a case or a dataset is missing or wrong
    ├── PluginError              4   a method, dataset or metric broke its contract
    ├── IntegrityError           5   a digest, an archive or a path that cannot be trusted
    ├── EnvironmentFault         6   disk, memory, lock, device
    └── PartialFailure           7   finished, but some cases or runs failed

The number is the exit code. Every error prints as one line: what (where): what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from typing import Any


def one_line(text: str) -> str:
    """A text as one line; control characters, which a terminal would obey, are written as escapes.

    >>> print(one_line("a\\x1b[2J  b"))
    a\\x1b[2J b
    """
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


class UadError(Exception):
    """Base of all errors that are printed as one line, without a traceback.

    what: what is wrong; where: the case, file or key; hint: what to do; code: stable across releases (UB...).
    """

    exit_code = 1
    code = "UB100"

    def __init__(self, what: str, *, where: str = "", hint: str = "", code: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        if code:
            self.code = code
        super().__init__(what, where, hint)

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the parts when an error crosses from a worker process."""
        return partial(type(self), self.what, where=self.where, hint=self.hint, code=self.code), ()

    def __str__(self) -> str:
        text = f"{self.what} ({self.where})" if self.where else self.what
        text = f"{text}: {self.hint}" if self.hint else text
        return one_line(text)


class UsageError(UadError):
    """A name, key, value or combination that is not valid."""

    exit_code, code = 2, "UB200"


class DataError(UadError):
    """A file, a case or a dataset is missing or wrong."""

    exit_code, code = 3, "UB300"


class PluginError(UadError):
    """A method, dataset or metric broke its contract."""

    exit_code, code = 4, "UB400"


class IntegrityError(UadError):
    """A digest, an archive or a path that cannot be trusted."""

    exit_code, code = 5, "UB500"


class EnvironmentFault(UadError):
    """Disk, memory, lock or device: a fault of the machine, not of the input."""

    exit_code, code = 6, "UB600"


class PartialFailure(UadError):
    """The work ended, but some cases or runs failed; the rest is kept."""

    exit_code, code = 7, "UB700"


class Terminated(BaseException):
    """SIGTERM, for instance from a scheduler; the process ends as after Ctrl-C, with exit code 143.

    Not a KeyboardInterrupt, because typer turns those into exit code 130 without further handling.
    """


def unknown_name(kind: str, name: str, known: Iterable[str], *, hint: str = "") -> UsageError:
    """The error for a name that is not known, with the nearest known names offered."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    offer = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return UsageError(f"unknown {kind} {name!r}", hint=f"{offer} {hint}".strip(), code="UB201")
