"""Former names of fields and options, which work for one release with a DeprecationWarning."""

import logging
import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

log = logging.getLogger(__name__)

Class = TypeVar("Class", bound=type)


def renamed_fields(**names: str) -> Callable[[Class], Class]:
    """Class decorator, above `@dataclass`: each former name of a field works as a keyword and as an attribute.

    names: {former name: present name}.

    >>> from dataclasses import dataclass
    >>> @renamed_fields(colour="color")
    ... @dataclass
    ... class Line:
    ...     color: str = "black"
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     Line(colour="red").colour
    'red'
    >>> str(caught[0].message)
    'Line.colour is now Line.color'
    """

    def decorate(cls: Class) -> Class:
        made: Any = cls
        init = made.__init__

        @wraps(init)
        def initialise(self: Any, *args: Any, **keywords: Any) -> None:
            init(self, *args, **_present(names, keywords, cls.__name__))

        made.__init__ = initialise
        made.former_names = dict(names)
        for former, present in names.items():
            setattr(made, former, _former_attribute(cls.__name__, former, present))
        return cls

    return decorate


def present_names(cls: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a plug-in, former names replaced by the present ones; each is also logged as a warning."""
    names: Mapping[str, str] = getattr(cls, "former_names", {})
    for former in names.keys() & options.keys():
        log.warning("the option %s is now called %s", former, names[former])
    return _present(names, options, cls.__name__)


def _present(names: Mapping[str, str], given: Mapping[str, Any], owner: str) -> dict[str, Any]:
    former = {name: value for name, value in given.items() if name in names}
    for name in former:
        _warn(owner, name, names[name], stacklevel=4)
    # Last, because `dataclasses.replace` passes the old value under the present name as well.
    unchanged = {name: value for name, value in given.items() if name not in names}
    return unchanged | {names[name]: value for name, value in former.items()}


def _former_attribute(owner: str, former: str, present: str) -> property:
    def read(self: Any) -> Any:
        _warn(owner, former, present, stacklevel=3)
        return getattr(self, present)

    return property(read)


def _warn(owner: str, former: str, present: str, stacklevel: int) -> None:
    """Name the line that uses the former name."""
    text = f"{owner}.{former} is now {owner}.{present}"
    warnings.warn(text, DeprecationWarning, stacklevel=stacklevel)
