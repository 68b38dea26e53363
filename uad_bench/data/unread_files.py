"""Image files under a root that no case uses: what they are, how many, and what to do about them."""

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from uad_bench.support.text import first_names

NIFTI = re.compile(r"(?i).*\.nii(\.gz)?")
#: Other formats of images by the end of the name.
OTHER = re.compile(
    r"(?i).*\.(mgz|mgh|nrrd|nhdr|mha|mhd|mif|mif\.gz|img|img\.gz|hdr|dcm|mnc|brik|nii\.(bz2|xz|zst|zip|lz4))"
)
KINDS = {
    "nifti": "files that no case uses",
    "folder": "folders that are named like a file and that no case uses; unpack them again, or rename the file within",
    "annex": "links to annexed content that is not fetched; run `datalad get` or `git annex get`",
    "link": "links that lead nowhere; restore their target, or remove them",
    "lfs": "Git LFS pointers whose content is not fetched; run `git lfs pull`",
    "closed": "folders that cannot be listed and whose files are not read; allow them to be read",
    "other": "files of a format that is not supported; convert them to .nii.gz, for instance with mri_convert",
}
GROUPS_SHOWN = 20
#: The heading of these in the report of `data check`.
UNREAD = "image files that are not read"


def unread_files(root: Path, used: Collection[Path], broken: Collection[str] = ()) -> dict[str, list[Path]]:
    """Files below `root` by a key of `KINDS`, relative to it: neither in `used` nor of a case in `broken`.

    broken: ids of cases that cannot be paired, which are reported separately. Hidden files are left out.
    """
    taken = {os.path.realpath(path) for path in used}
    words = [re.compile(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])") for word in broken if word]
    found: dict[str, list[Path]] = {}
    closed: list[Path] = []
    for path in sorted(_walk(root, closed)):
        short = path.relative_to(root)
        named = any(word.search(str(short)) for word in words)
        kind = "" if named else _kind(path, taken)
        if kind:
            found.setdefault(kind, []).append(short)
    return {**found, **({"closed": [path.relative_to(root) for path in sorted(closed)]} if closed else {})}


def _walk(root: Path, closed: list[Path]) -> Iterator[Path]:
    """Files and folders that are not hidden; folders that may not be listed are added to `closed`."""

    def unlisted(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            closed.append(Path(error.filename))

    for folder, folders, names in os.walk(root, onerror=unlisted):
        folders[:] = [name for name in folders if name[0] != "."]
        yield from (Path(folder, name) for name in (*names, *folders) if name[0] != ".")


def _kind(path: Path, taken: Collection[str]) -> str:
    """What an unused file is, "" for files that are no images."""
    if path.is_symlink() and not path.exists():
        link = str(path.readlink())
        return "annex" if ".git/annex" in link.replace("\\", "/") else "link" if _is_image(path) else ""
    if not _is_image(path):
        return ""
    if path.is_dir():
        return "" if any(one.startswith(f"{os.path.realpath(path)}{os.sep}") for one in taken) else "folder"
    if os.path.realpath(path) in taken:
        return ""
    return "lfs" if _is_pointer(path) else "nifti" if NIFTI.fullmatch(path.name) else "other"


def _is_image(path: Path) -> bool:
    return bool(NIFTI.fullmatch(path.name) or OTHER.fullmatch(path.name))


def _is_pointer(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(40).startswith(b"version https://git-lfs")
    except OSError:
        return False


def as_texts(found: dict[str, list[Path]]) -> Iterator[str]:
    """One line for each kind and pattern of names, with the number and the first names."""
    for kind, paths in found.items():
        groups: dict[str, list[str]] = {}
        for path in paths:
            groups.setdefault(_pattern(path), []).append(str(path))
        for names in sorted(groups.values(), key=len, reverse=True)[:GROUPS_SHOWN]:
            yield _text(kind, len(names), first_names(names, 3))
        if len(groups) > GROUPS_SHOWN:
            rest = sum(sorted(map(len, groups.values()), reverse=True)[GROUPS_SHOWN:])
            yield _text(kind, rest, f"{len(groups) - GROUPS_SHOWN} more patterns of names")


def _text(kind: str, number: int, names: str) -> str:
    what, _, remedy = KINDS[kind].partition("; ")
    return f"{what} ({number}): {names}" + (f"; {remedy}" if remedy else "")


def _pattern(path: Path) -> str:
    """A path with the numbers, subjects and sessions left open, under which equal names are counted."""
    return re.sub(r"\d+", "*", re.sub(r"\b(sub|ses)-[A-Za-z0-9]+", r"\1-*", str(path)))
