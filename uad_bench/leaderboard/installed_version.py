"""The class of a run's method that is installed now, and its version."""

from functools import lru_cache
from typing import Any

from uad_bench import plugins
from uad_bench.config import RunSpec
from uad_bench.errors import UadError
from uad_bench.results.method_label import parse_label


def installed_version(spec: RunSpec) -> int | None:
    """`Method.version` of the installed class; None for code that no plug-in registers, which is not loaded."""
    cls = installed_class(spec)
    return None if cls is None else int(cls.version)


def installed_class(spec: RunSpec) -> type[Any] | None:
    """The installed class of a run's method; None for code that no plug-in registers, which is not loaded."""
    return _class(parse_label(spec.method).name, spec.target)


@lru_cache(maxsize=256)
def _class(name: str, target: str) -> type[Any] | None:
    entry = plugins.catalogue().entries.get(("method", name))
    if entry is None or entry.target != target:
        return None
    try:
        return plugins.load(entry)
    except UadError:  # a broken plug-in is reported where it is used
        return None
