"""The version of a run's method that is installed now."""

from functools import lru_cache

from uad_bench import plugins
from uad_bench.config import RunSpec
from uad_bench.errors import UadError


def installed_version(spec: RunSpec) -> int | None:
    """`Method.version` of the installed class; None for code that no plug-in registers, which is not loaded."""
    return _version(spec.method.partition(":")[0], spec.target)


@lru_cache(maxsize=256)
def _version(name: str, target: str) -> int | None:
    entry = plugins.catalogue().entries.get(("method", name))
    if entry is None or entry.target != target:
        return None
    try:
        return int(plugins.load(entry).version)
    except UadError:  # a broken plug-in is reported where it is used
        return None
