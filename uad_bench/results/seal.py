"""Digests of the files of a run, by which an edited result is found. Names that lead out of the run are refused."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from uad_bench.errors import IntegrityError
from uad_bench.support.atomic_files import sha256

#: The code of the error for a run that was edited after it was sealed.
EDITED = "UB508"
HINT = "make the run again with --fresh"


def digests(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """The SHA-256 of those of the files that exist, by their path relative to the folder."""
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files if path.is_file()}


def read(path: Path, run: str) -> dict[str, str]:
    """The digests in a JSON file. Raises IntegrityError where it cannot be read or a name leads out of the run."""
    try:
        found = {str(name): str(digest) for name, digest in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"no readable {path.name}", where=run, hint=HINT) from error
    for name in found:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            what = f"{path.name} names a file outside the run: {name!r}"
            raise IntegrityError(what, where=run, hint=HINT, code="UB501")
    return found


def verify_one(folder: Path, name: str, run: str) -> None:
    """Raise IntegrityError where one file of a sealed run, by its path in the run, is not the sealed one."""
    sealed = read(folder / "digests.json", run)
    verify(folder, {name: sealed.get(name, "")}, run)


def verify(folder: Path, sealed: Mapping[str, str], run: str) -> None:
    """Raise IntegrityError for the first file that is missing, a link, or has another digest (UB508)."""
    for name, digest in sealed.items():
        path = folder / name
        if path.is_symlink() or not path.is_file() or sha256(path) != digest:
            what = f"{name} was changed after the run"
            raise IntegrityError(what, where=run, hint=HINT, code=EDITED)
