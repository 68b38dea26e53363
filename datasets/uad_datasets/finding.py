"""Image files below a folder. Links that lead out of it are not followed."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)


def nifti_files(root: Path, skip: frozenset[str] = frozenset()) -> list[Path]:
    """All .nii and .nii.gz files at any depth, also in capitals, in order: no hidden ones, none below `skip` folders.

    Links that lead out of `root`, or nowhere, are passed over with one warning; UAD_BENCH_FOLLOW_LINKS=1 in
    the environment follows them.
    """
    links = _Links(root)
    files = sorted(_walk(root, skip, links))
    if links.passed:
        what = "%s: %d links lead out of it, passed over (UAD_BENCH_FOLLOW_LINKS=1 follows): %s ..."
        log.warning(what, root, len(links.passed), links.passed[0])
    return files


def not_fetched(root: Path, skip: frozenset[str] = frozenset()) -> list[Path]:
    """Links called .nii or .nii.gz that lead nowhere, as those of an annex whose content is not fetched."""
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
    """os.walk would pass over such a folder in silence."""
    if not isinstance(error, FileNotFoundError):
        log.warning("%s: cannot be listed and is passed over: %s", error.filename, error.strerror)


class _Links:
    """Which links below a root may be followed, and which were passed over."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.follow = os.environ.get("UAD_BENCH_FOLLOW_LINKS") == "1"
        self.entered: set[Path] = set()
        self.passed: list[Path] = []

    def may_read(self, path: Path) -> bool:
        """Whether to take a file, or a folder as such; what is no link always."""
        if not path.is_symlink():
            return True
        target = Path(os.path.realpath(path))
        allowed = target.exists() and (self.follow or target.is_relative_to(self.root))
        if not allowed and target.exists():  # those that lead nowhere are told as files that are not read
            self.passed.append(path)
        return allowed

    def may_enter(self, folder: Path) -> bool:
        """Whether to walk into a folder: once each, and not where a link meets a place below the root again."""
        if not folder.is_symlink():
            return True
        target = Path(os.path.realpath(folder))
        if not self.may_read(folder) or target.is_relative_to(self.root) or target in self.entered:
            return False
        self.entered.add(target)
        return True
