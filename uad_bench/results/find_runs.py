"""Run directories below some folders."""

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from uad_bench.config import MAPS_ONLY
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
