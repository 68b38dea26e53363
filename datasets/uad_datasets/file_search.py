"""The image files below a folder. Links that lead out of the folder are not followed."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)


def nifti_files(root: Path, skip: frozenset[str] = frozenset()) -> list[Path]:
    """All .nii and .nii.gz files (or .NII.GZ) at any depth, sorted, except hidden ones and folders named in `skip`.

    Links that lead out of `root` are ignored with one warning; with UAD_BENCH_FOLLOW_LINKS=1 in the
    environment they are followed.
    """
    links = _Links(root)
    files = sorted(_walk(root, skip, links))
    if links.ignored:
        what = "%s: %d links that lead out of it are ignored (UAD_BENCH_FOLLOW_LINKS=1 follows): %s ..."
        log.warning(what, root, len(links.ignored), links.ignored[0])
    return files


def not_fetched(root: Path, skip: frozenset[str] = frozenset()) -> list[Path]:
    """Links named .nii or .nii.gz that lead nowhere, as those of annexed files whose content is not fetched."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(n for n in folders if n not in skip and n[0] != ".")
        wanted = [Path(folder, n) for n in names if n.lower().endswith((".nii", ".nii.gz")) and n[0] != "."]
        found += [path for path in wanted if path.is_symlink() and not path.exists()]
    return found


def _walk(root: Path, skip: frozenset[str], links: "_Links") -> Iterator[Path]:
    for folder, folders, names in os.walk(root, followlinks=True, onerror=_cannot_list):
        folders[:] = sorted(
            n for n in folders if n not in skip and n[0] != "." and links.may_enter(Path(folder, n))
        )
        wanted = (Path(folder, n) for n in names if n.lower().endswith((".nii", ".nii.gz")) and n[0] != ".")
        yield from (path for path in wanted if links.may_read(path))


def _cannot_list(error: OSError) -> None:
    """Warn of a folder that cannot be listed: os.walk skips it without a message."""
    if not isinstance(error, FileNotFoundError):
        log.warning("%s: cannot be listed and is ignored: %s", error.filename, error.strerror)


class _Links:
    """Which links below a root are followed, and which were ignored."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.follow = os.environ.get("UAD_BENCH_FOLLOW_LINKS") == "1"
        self.entered: set[Path] = set()
        self.ignored: list[Path] = []

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
        """Whether to enter a folder: each once, and not by a link to a folder below the root."""
        if not folder.is_symlink():
            return True
        target = Path(os.path.realpath(folder))
        if not self.may_read(folder) or target.is_relative_to(self.root) or target in self.entered:
            return False
        self.entered.add(target)
        return True
