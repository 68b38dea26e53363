"""The image files below a folder. Links that lead out of the folder are not followed."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from uad_bench.data.unread_files import OTHER

log = logging.getLogger(__name__)


def nifti_files(root: Path, skip: frozenset[str] = frozenset()) -> list[Path]:
    """All .nii and .nii.gz files (or .NII.GZ) at any depth, sorted, except hidden ones and folders named in `skip`.

    Links that lead out of `root` are ignored with one warning; with UAD_BENCH_FOLLOW_LINKS=1 in the
    environment they are followed. Links to folders in hidden or skipped folders of `root` are followed.
    """
    links = _Links(root, skip)
    files = sorted(path for path in _walk(links) if _is_nifti(path) and links.may_read(path))
    if links.ignored:
        what = "%s: %d links that lead out of it are ignored (UAD_BENCH_FOLLOW_LINKS=1 follows): %s ..."
        log.warning(what, root, len(links.ignored), links.ignored[0])
    return files


def not_readable(root: Path, skip: frozenset[str] = frozenset()) -> list[Path]:
    """Files in the same folders that cannot be read: images of other formats, such as .mgz, and dangling links.

    Links named .nii or .nii.gz lead nowhere where the content of annexed files is not fetched.
    """
    return [
        path
        for path in _walk(_Links(root, skip), lambda error: None)
        if OTHER.fullmatch(path.name) or (_is_nifti(path) and path.is_symlink() and not path.exists())
    ]


def _is_nifti(path: Path) -> bool:
    return path.name.lower().endswith((".nii", ".nii.gz"))


def _cannot_list(error: OSError) -> None:
    """Warn of a folder that cannot be listed: os.walk skips it without a message."""
    if not isinstance(error, FileNotFoundError):
        log.warning("%s: cannot be listed and is ignored: %s", error.filename, error.strerror)


def _walk(links: "_Links", onerror: Callable[[OSError], None] = _cannot_list) -> Iterator[Path]:
    """The files that are not hidden, in all folders that may be entered."""
    for folder, folders, names in os.walk(links.top, followlinks=True, onerror=onerror):
        folders[:] = sorted(
            n for n in folders if not links.is_left_out(n) and links.may_enter(Path(folder, n))
        )
        yield from (Path(folder, name) for name in names if name[0] != ".")


class _Links:
    """Which folders and links below a root are followed, and which links were ignored."""

    def __init__(self, top: Path, skip: frozenset[str]) -> None:
        self.top, self.skip = top, skip
        self.root = Path(os.path.realpath(top))
        self.follow = os.environ.get("UAD_BENCH_FOLLOW_LINKS") == "1"
        self.entered: set[Path] = set()
        self.ignored: list[Path] = []

    def is_left_out(self, name: str) -> bool:
        """Whether a folder of this name is not entered."""
        return name[0] == "." or name in self.skip

    def may_read(self, path: Path) -> bool:
        """Whether to read a file, or to list a folder; always for what is no link."""
        if not path.is_symlink():
            return True
        target = Path(os.path.realpath(path))
        allowed = target.exists() and (self.follow or target.is_relative_to(self.root))
        if (
            not allowed and target.exists()
        ):  # links that lead nowhere are reported with the files that are not read
            self.ignored.append(path)
        return allowed

    def may_enter(self, folder: Path) -> bool:
        """Whether to enter a folder: each once, and by no link to a folder that is entered by its own name."""
        if not folder.is_symlink():
            return True
        target = Path(os.path.realpath(folder))
        if not self.may_read(folder) or self._is_entered(target, Path(os.path.realpath(folder.parent))):
            return False
        self.entered.add(target)
        return True

    def _is_entered(self, target: Path, here: Path) -> bool:
        """Whether a folder is entered without its link in `here`: by its own name, by another link, or above."""
        below = target.relative_to(self.root).parts if target.is_relative_to(self.root) else None
        by_name = below is not None and not any(map(self.is_left_out, below))
        return by_name or target in self.entered or here.is_relative_to(target)
