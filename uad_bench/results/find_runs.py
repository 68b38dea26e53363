"""Run directories below some folders."""

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from uad_bench.errors import UsageError
from uad_bench.results.run_directory import RunDir
from uad_bench.support.atomic_files import is_aside

log = logging.getLogger(__name__)


def find_runs(roots: Iterable[Path]) -> list[RunDir]:
    """Every run directory at or below `roots`, complete or not, ordered by path.

    Raises UsageError for a root that does not exist.
    """
    found = []
    for root in roots:
        if not root.is_dir():
            raise UsageError("no such folder of runs", where=str(root), hint="give --out of an earlier run")
        found += [RunDir(folder) for folder in sorted(_folders_of_runs(root)) if not is_aside(folder)]
    return found


def _folders_of_runs(root: Path) -> Iterator[Path]:
    """The folders at or below `root` that contain spec.yaml; one that may not be listed is named in a warning."""

    def unreadable(error: OSError) -> None:
        log.warning("cannot be looked into: %s (%s)", error.filename, error.strerror)

    for folder, _, files in os.walk(root, onerror=unreadable):
        if "spec.yaml" in files:
            yield Path(folder)
