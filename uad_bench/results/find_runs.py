"""Run directories below some folders."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from uad_bench.errors import DataError, UsageError
from uad_bench.results.run_directory import RunDir
from uad_bench.support.atomic_files import is_aside

#: Files that only a run directory contains together. A run writes spec.yaml before the others: one without it is
#: damaged, and is refused by whoever reads its specification.
SIGNS = ({"spec.yaml"}, {"spec.json", "status.json"}, {"digests.json", "status.json"})


def find_runs(roots: Iterable[Path]) -> list[RunDir]:
    """Every run directory at or below `roots`, complete or not, ordered by path.

    Raises UsageError for a root that does not exist, DataError for a folder that may not be listed: a run in it would
    be left out without a trace.
    """
    found = []
    for root in roots:
        if not root.is_dir():
            raise UsageError("no such folder of runs", where=str(root), hint="give --out of an earlier run")
        found += [RunDir(folder) for folder in sorted(_folders_of_runs(root)) if not is_aside(folder)]
    return found


def _folders_of_runs(root: Path) -> Iterator[Path]:
    for folder, _, files in os.walk(root, onerror=_unlisted):
        if any(some <= set(files) for some in SIGNS):
            yield Path(folder)


def _unlisted(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # a run that ends meanwhile removes its folders
        what = f"a folder below the runs cannot be listed: {error.strerror}"
        hint = "allow it to be read, or name the folders of runs one by one"
        raise DataError(what, where=str(error.filename), hint=hint) from error
