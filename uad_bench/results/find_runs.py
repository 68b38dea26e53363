"""Run directories below some folders."""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from uad_bench.config import MAPS_ONLY
from uad_bench.errors import DataError, IntegrityError, UsageError
from uad_bench.results.run_directory import RunDir
from uad_bench.support.atomic_files import is_aside

log = logging.getLogger(__name__)

#: Files that only a run directory contains together. A run writes spec.yaml before the others: one without it is
#: damaged, and is refused by whoever reads its specification.
SIGNS = ({"spec.yaml"}, {"spec.json", "status.json"}, {"digests.json", "status.json"})


def find_runs(roots: Iterable[Path]) -> list[RunDir]:
    """Every run directory at or below `roots`, complete or not, ordered by path.

    Links to folders are followed; a folder that several paths lead to is found once. Raises UsageError for a root that
    does not exist, DataError for a folder that may not be listed: a run in it would be left out without a trace.
    """
    found, met = [], set[str]()
    for root in roots:
        if not root.is_dir():
            raise UsageError("no such folder of runs", where=str(root), hint="give --out of an earlier run")
        found += [RunDir(folder) for folder in sorted(_folders_of_runs(root, met)) if not is_aside(folder)]
    return found


def complete_runs(roots: Sequence[Path]) -> tuple[list[RunDir], int]:
    """The complete runs at or below `roots`, and the number of the others, each named in a warning.

    Raises UsageError where no run is complete, and as `find_runs`.
    """
    states = [(run, _state(run)) for run in find_runs(roots)]
    complete = [run for run, state in states if state == "complete"]
    if not complete:
        states_of = ", ".join(sorted({repr(state) for _, state in states})) or "no run"
        where, hint = ", ".join(map(str, roots)), "finish one with --resume"
        raise UsageError(f"no complete run, found: {states_of}", where=where, hint=hint)
    for run, state in states:
        if state != "complete":
            log.warning("left out: %s is not complete, its state is %r", run.name, state)
    return complete, len(states) - len(complete)


def _state(run: RunDir) -> str:
    try:
        return run.state
    except IntegrityError:
        return "unreadable"


def _folders_of_runs(root: Path, met: set[str]) -> Iterator[Path]:
    """The folders of runs whose real path is not in `met`, to which all folders are added that were listed."""
    for folder, inner, files in os.walk(root, onerror=_unlisted, followlinks=True):
        links = {name for name in inner if Path(folder, name).is_symlink()}
        inner[:] = sorted(set(inner) - links) + sorted(links)
        if (real := os.path.realpath(folder)) in met:
            inner.clear()
            continue
        met.add(real)
        if any(some <= set(files) for some in SIGNS):
            yield Path(folder)


def _unlisted(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # a run that ends meanwhile removes its folders
        what = f"a folder below the runs cannot be listed: {error.strerror}"
        hint = "allow it to be read, or name the folders of runs one by one"
        raise DataError(what, where=str(error.filename), hint=hint) from error


def only_run(folder: Path) -> RunDir:
    """The run in a folder, complete or not. Raises UsageError where there is none or several (UB252)."""
    runs = find_runs([folder])
    if len(runs) != 1:
        what = f"{len(runs)} runs in the folder" if runs else "the folder is no run directory"
        hint = "name the folder of one run, <out>/<protocol>/<method>/<run>"
        raise UsageError(what, where=str(folder), hint=hint, code="UB252")
    return RunDir(runs[0].path.resolve())


def one_run(folder: Path) -> RunDir:
    """The complete run in a folder. Raises as `only_run`, and UsageError for one without a model (UB252)."""
    run = only_run(folder)
    if run.state != "complete":
        what = f"the run is not complete, its state is {run.state!r}"
        raise UsageError(what, where=run.name, hint="finish it with --resume", code="UB252")
    if run.spec().target == MAPS_ONLY:
        what = "the run holds maps of another program and no model"
        raise UsageError(what, where=run.name, hint="name a run that was trained here", code="UB252")
    return run
