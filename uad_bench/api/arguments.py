"""Arguments that several functions of the interface take."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uad_bench.cohort.discovery import Sources

AnyPath = str | PathLike[str]


def sources_of(data: Mapping[str, AnyPath] | None, workers: int) -> "Sources":
    from uad_bench import plugins
    from uad_bench.cohort.discovery import Sources, default_cache
    from uad_bench.support import environment

    roots = {plugins.resolve("dataset", name).name: Path(root) for name, root in (data or {}).items()}
    return Sources(default_cache(), roots, workers or environment.threads())


def paths_of(given: AnyPath | Sequence[AnyPath]) -> list[Path]:
    return [Path(given)] if isinstance(given, str | PathLike) else [Path(one) for one in given]


def options_of(more: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The further arguments. Raises UsageError for an unknown one (UB201)."""
    from uad_bench.errors import unknown_name

    for name in more:
        if name not in known:
            raise unknown_name("argument", name, known)
    return dict(more)
