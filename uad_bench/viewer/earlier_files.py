"""Scripts of cases that an earlier call wrote and this one did not: they hold images and lesion masks."""

import logging
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from uad_bench.errors import EnvironmentFault
from uad_bench.viewer.script_files import RECEIVER

log = logging.getLogger(__name__)


def is_viewer(folder: Path) -> bool:
    """Whether the viewer wrote the index of a folder."""
    return _begins(folder / "index.js", f'{RECEIVER}("index", ')


def remove_earlier_cases(folder: Path, kept: Collection[str]) -> int:
    """Remove the scripts below folder/cases except those that are kept ("0/1/case"); the number of those removed.

    Files that are no script of the viewer stay, and so does what a link points to. Folders that are empty are removed.
    Raises EnvironmentFault where a file cannot be removed.
    """
    cases = folder / "cases"
    spared = {cases / f"{name}.js" for name in kept}
    found = [path for path in sorted(cases.rglob("*.js")) if path not in spared and not path.is_symlink()]
    earlier = [path for path in found if path.is_file() and _begins(path, f'{RECEIVER}("')]
    for path in earlier:
        _remove(path)
    for path in sorted(cases.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # it is not empty
                path.rmdir()
    if earlier:
        log.info("%d files of an earlier viewer are removed from %s", len(earlier), cases)
    return len(earlier)


def _begins(path: Path, words: str) -> bool:
    """Whether a file begins with these words; not where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(words)) == words.encode("ascii")
    except OSError:
        return False


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        what = f"cannot remove a file of an earlier viewer: {error.strerror or error}"
        hint = "remove it yourself: it holds an image, a lesion mask or a map"
        raise EnvironmentFault(what, where=str(path), hint=hint) from error
