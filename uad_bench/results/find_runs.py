"""Run directories below some folders."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from uad_bench.config import MAPS_ONLY
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


def one_run(folder: Path) -> RunDir:
    """The complete run in a folder. Raises UsageError where there is none, several, or one without a model (UB252)."""
    runs = find_runs([folder])
    if len(runs) != 1:
        what = f"{len(runs)} runs in the folder" if runs else "the folder is no run directory"
        hint = "name the folder of one run, <out>/<protocol>/<method>/<run>"
        raise UsageError(what, where=str(folder), hint=hint, code="UB252")
    run = RunDir(runs[0].path.resolve())
    if run.state != "complete":
        what = f"the run is not complete, its state is {run.state!r}"
        raise UsageError(what, where=run.name, hint="finish it with --resume", code="UB252")
    if run.spec().target == MAPS_ONLY:
        what = "the run holds maps of another program and no model"
        raise UsageError(what, where=run.name, hint="name a run that was trained here", code="UB252")
    return run


def _unlisted(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # a run that ends meanwhile removes its folders
        what = f"a folder below the runs cannot be listed: {error.strerror}"
        hint = "allow it to be read, or name the folders of runs one by one"
        raise DataError(what, where=str(error.filename), hint=hint) from error
