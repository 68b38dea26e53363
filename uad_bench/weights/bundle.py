"""A bundle on disk: verified file by file, and put in its place whole or not at all."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from uad_bench.support.atomic_files import aside_folder, put_in_place, sha256
from uad_bench.support.copy_files import copy_file
from uad_bench.weights.contents import CHECKS, check_content
from uad_bench.weights.manifest import (
    DIGEST,
    MANIFEST,
    MANIFEST_BYTES,
    BundleFile,
    Manifest,
    changed,
    read_manifest,
    small_file,
)


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest has the digest that its folder is named by."""

    folder: Path
    manifest: Manifest

    @property
    def digest(self) -> str:
        """The SHA-256 of the manifest, which fixes every byte of the bundle."""
        return self.folder.name

    @property
    def label(self) -> str:
        """The bundle in messages: NAME@ and 12 digits."""
        return f"{self.manifest.name}@{self.digest[:12]}"

    def verify(self) -> None:
        """Raise IntegrityError where a file is missing, changed, a link, not listed (UB510), or of a format that is not
        what its name says (UB511)."""
        self._check_no_others()
        for name, listed in self.manifest.files.items():
            check_file(self.folder / name, listed, self.label)
        self._check_formats()

    def check_contents(self) -> None:
        """As `verify`, without the digests of the files; the caller has compared the digests while writing."""
        self._check_no_others()
        self._check_formats()

    def copy_to(self, folder: Path) -> None:
        """Copy the bundle, compared with its digests on the way. Raises as `verify` for its files and `copy_file`."""
        self._check_no_others()
        for name, listed in self.manifest.files.items():
            take_file(self.folder / name, folder / name, listed, self.label)
        copy_file(self.folder / MANIFEST, folder / MANIFEST)

    def _check_formats(self) -> None:
        for name in self.manifest.files:
            if Path(name).suffix in CHECKS:
                check_content(self.folder / name, self.label)

    def _check_no_others(self) -> None:
        known = {*self.manifest.files, MANIFEST}
        folders = {parent.as_posix() for name in known for parent in Path(name).parents}
        for here, inner, files in os.walk(self.folder):
            for name in (*inner, *files):
                path = Path(here, name)
                relative = path.relative_to(self.folder).as_posix()
                if path.is_symlink() or relative not in (folders if name in inner else known):
                    changed(
                        f"the folder holds {relative!r:.100}, which the manifest does not list", self.label
                    )


def check_file(path: Path, listed: BundleFile, label: str) -> None:
    """Raise IntegrityError for a file that is not the listed one (UB510)."""
    if path.is_symlink() or not path.is_file():
        changed(f"{path.name} is missing", label)
    size = path.stat().st_size
    _compare(path.name, size, sha256(path) if size == listed.size else "", listed, label)


def take_file(source: Path, target: Path, listed: BundleFile, label: str) -> None:
    """Copy a file of a bundle. Raises as `copy_file`, and IntegrityError where it is not the listed one (UB510)."""
    digest = copy_file(source, target)
    _compare(source.name, target.stat().st_size, digest, listed, label)


def _compare(name: str, size: int, digest: str, listed: BundleFile, label: str) -> None:
    if size != listed.size:
        changed(f"{name} has {size} bytes, not {listed.size}", label)
    if digest != listed.sha256:
        changed(f"{name} was changed", label)


def is_bundle(folder: Path) -> bool:
    """Whether a folder is named or filled as a bundle is."""
    return folder.is_dir() and bool(DIGEST.fullmatch(folder.resolve().name) or (folder / MANIFEST).is_file())


def open_bundle(folder: Path) -> Bundle:
    """The bundle in a folder; its files are not compared yet. Raises IntegrityError and EnvironmentFault as
    `read_manifest`."""
    path = folder.resolve()
    if not DIGEST.fullmatch(path.name):
        changed(f"the folder is named {path.name!r:.80}, not by the digest of its bundle", str(folder))
    data = small_file(path / MANIFEST, MANIFEST_BYTES, str(folder))
    return Bundle(path, read_manifest(data, path.name, str(folder)))


def described(names: Mapping[str, Path]) -> dict[str, BundleFile]:
    """The entries of a manifest for files by their names in the bundle."""
    return {name: BundleFile(sha256=sha256(path), size=path.stat().st_size) for name, path in names.items()}


@contextmanager
def aside_of(store: Path, name: str) -> Iterator[Path]:
    """A hidden folder in a store to fill with a bundle of this name; afterwards it, and what was made for it, is gone.

    Raises EnvironmentFault where the disk or the permissions do not allow it.
    """
    parent = store / name
    made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    try:
        with aside_folder(parent / "bundle") as aside:
            yield aside
    finally:
        for folder in made:  # nothing is left of a bundle that was refused
            with suppress(OSError):  # a folder that is not empty stays
                folder.rmdir()


def settle(aside: Path, digest: str) -> Bundle:
    """Give a folder made by `aside_of`, whose files have the digests of its manifest, the name of its bundle.

    A bundle that is there already is verified and left. Raises IntegrityError as `Bundle.check_contents`.
    """
    folder = aside.parent / digest
    data = small_file(aside / MANIFEST, MANIFEST_BYTES, str(aside))
    Bundle(aside, read_manifest(data, digest, str(folder))).check_contents()
    if folder.is_dir():
        found = open_bundle(folder)
        found.verify()
        return found
    put_in_place(aside, folder)
    return open_bundle(folder)
