"""Where bundles come from and go to: a folder, or a repository of Hugging Face, with one layout: NAME/DIGEST/files."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from uad_bench.errors import DataError, EnvironmentFault, UadError, UsageError
from uad_bench.weights.bundle import Bundle
from uad_bench.weights.manifest import DIGEST, MANIFEST, NAME, changed
from uad_bench.weights.store import Reference, folders

HUB = re.compile(r"hf://(\w[\w.-]*/\w[\w.-]*)(?:@([\w./-]+))?", re.ASCII)
PLACE = re.compile(rf"({NAME})/({DIGEST.pattern})/{re.escape(MANIFEST)}")
LOGIN = "log in with `hf auth login`, as a user who may read it, and write it for push"
MISSING_EXTRA, UNREACHABLE, NOT_THERE = "UB610", "UB611", "UB345"


class Source(Protocol):
    """Bundles elsewhere."""

    def references(self) -> list[Reference]:
        """All bundles, with whole digests."""

    def file(self, one: Reference, name: str, most: int) -> Path:
        """A file of a bundle on this machine. Raises IntegrityError for one of more than `most` bytes (UB510)."""


def source(text: str) -> Source:
    """A folder, or hf://ORG/NAME or hf://ORG/NAME@REVISION.

    Raises UsageError for a folder that does not exist and for another address, EnvironmentFault without the package
    huggingface_hub (UB610).
    """
    if text.startswith("hf://"):
        return hub(text)
    if not Path(text).expanduser().is_dir():
        hint = "give a folder of bundles, or hf://ORG/NAME"
        raise UsageError("no such folder", where=text, hint=hint)
    return Folder(Path(text).expanduser())


def resolve(wanted: Reference, place: Source, where: str) -> Reference:
    """The one bundle of a source that a reference means, with its whole digest. Raises DataError (UB345)."""
    if DIGEST.fullmatch(wanted.digest):
        return wanted
    same = [one for one in place.references() if one.name == wanted.name]
    found = [one for one in same if one.digest.startswith(wanted.digest)]
    if len(found) != 1:
        shown = ", ".join(f"{one.name}@{one.digest[:12]}" for one in found or same)
        what = f"{len(found)} bundles match {wanted}" if found else f"no bundle {wanted}"
        hint = f"there are {shown}" if shown else "`uad-bench weights list --from SOURCE` shows what is there"
        raise DataError(what, where=where, hint=hint, code=NOT_THERE)
    return found[0]


@dataclass(frozen=True)
class Folder:
    """A folder of bundles."""

    root: Path

    def references(self) -> list[Reference]:
        """All bundles, with whole digests."""
        return [Reference(path.parent.name, path.name) for path in folders(self.root)]

    def file(self, one: Reference, name: str, most: int) -> Path:
        """A file of a bundle. Raises DataError where there is no such bundle (UB345), IntegrityError for a file that is
        missing, a link or too large (UB510)."""
        folder = self.root / one.name / one.digest
        if not folder.is_dir():
            raise DataError(f"no bundle {one}", where=str(self.root), hint="check the digest", code=NOT_THERE)
        path = folder / name
        if not os.path.lexists(path):
            changed(f"{name} is missing", f"{one.name}@{one.digest[:12]}")
        if path.is_symlink() or not path.is_file() or path.stat().st_size > most:
            changed(f"{name} is no file of at most {most} bytes", f"{one.name}@{one.digest[:12]}")
        return path


@dataclass(frozen=True)
class Hub:
    """A model repository of Hugging Face. revision: branch, tag or commit; "" is the main branch."""

    repository: str
    revision: str = ""

    def references(self) -> list[Reference]:
        """All bundles, with whole digests. Raises DataError and EnvironmentFault as `hub_errors`."""
        from huggingface_hub import HfApi

        with hub_errors(self.repository):
            names = HfApi().list_repo_files(self.repository, revision=self.revision or None)
        return [Reference(match[1], match[2]) for name in sorted(names) if (match := PLACE.fullmatch(name))]

    def file(self, one: Reference, name: str, most: int) -> Path:
        """A file of a bundle in the cache of huggingface_hub, downloaded where it is not there and HF_HUB_OFFLINE is
        not set. Its size is asked for first."""
        from huggingface_hub import constants, hf_hub_download

        path = f"{one.name}/{one.digest}/{name}"
        with hub_errors(self.repository):
            if not constants.HF_HUB_OFFLINE:
                self._check_size(path, most)
            return Path(hf_hub_download(self.repository, path, revision=self.revision or None))

    def _check_size(self, path: str, most: int) -> None:
        from huggingface_hub import HfApi
        from huggingface_hub.hf_api import RepoFile

        for found in HfApi().get_paths_info(self.repository, path, revision=self.revision or None):
            if isinstance(found, RepoFile) and found.size > most:
                changed(f"{path} has {found.size} bytes, more than {most}", self.repository)

    def publish(self, bundle: Bundle, *, public: bool) -> bool:
        """Upload a bundle in one commit; False where it is there already. A new repository is private unless `public`.

        Raises DataError and EnvironmentFault as `hub_errors`.
        """
        from huggingface_hub import CommitOperationAdd, HfApi

        api, prefix = HfApi(), f"{bundle.manifest.name}/{bundle.digest}"
        with hub_errors(self.repository):
            api.create_repo(self.repository, private=not public, exist_ok=True)
            there = set(api.list_repo_files(self.repository, revision=self.revision or None))
            if f"{prefix}/{MANIFEST}" in there:
                return False
            files = {f"{prefix}/{name}": bundle.folder / name for name in (*bundle.manifest.files, MANIFEST)}
            if "README.md" not in there:
                files["README.md"] = bundle.folder / "README.md"
            adds = [CommitOperationAdd(name, str(path)) for name, path in files.items()]
            message = f"Add {bundle.label}"
            api.create_commit(self.repository, adds, commit_message=message, revision=self.revision or None)
        return True


def hub(text: str) -> Hub:
    """The repository of an address. Raises UsageError for another form, EnvironmentFault without huggingface_hub
    (UB610)."""
    match = HUB.fullmatch(text)
    if not match:
        hint = "write hf://ORG/NAME or hf://ORG/NAME@REVISION"
        raise UsageError(f"{text!r:.100} is no address of a repository", hint=hint)
    try:
        import huggingface_hub.utils
    except ImportError as error:
        hint = "pip install 'uad-bench[hub]'"
        what = "the package huggingface_hub is not installed"
        raise EnvironmentFault(what, where=text, hint=hint, code=MISSING_EXTRA) from error
    del huggingface_hub
    return Hub(match[1], match[2] or "")


@contextmanager
def hub_errors(repository: str) -> Iterator[None]:
    """Raise DataError for a repository or file that is not there or not open to this user (UB345), EnvironmentFault
    where the network is not reached or not allowed, or the server fails (UB611)."""
    from huggingface_hub import errors

    where = f"hf://{repository}"
    # Its own errors, those of its HTTP client, which they are derived from, and those of files and sockets; uploads and
    # the transfer library hf_xet raise RuntimeError.
    failures = cast("tuple[type[Exception], ...]", (*errors.HfHubHTTPError.__bases__, OSError, RuntimeError))
    try:
        yield
    except UadError:
        raise
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as error:
        what = "not in the cache of huggingface_hub, and the network is not used or not reached"
        hint = (
            "unset HF_HUB_OFFLINE and check the network, or pull from a folder; offline give the whole digest"
        )
        raise EnvironmentFault(what, where=where, hint=hint, code=UNREACHABLE) from error
    except (
        errors.RepositoryNotFoundError,
        errors.RevisionNotFoundError,
        errors.EntryNotFoundError,
        errors.GatedRepoError,
    ) as error:
        what = "no such repository, revision or bundle, or no access to it"
        raise DataError(what, where=where, hint=f"check the address, or {LOGIN}", code=NOT_THERE) from error
    except failures as error:
        raise _fault(error, where) from error


def _fault(error: Exception, where: str) -> UadError:
    """The error for a failed transfer, to be raised; a RuntimeError may wrap the one that says why."""
    cause = error.__cause__ if isinstance(error, RuntimeError) else None
    said = ", ".join(_first_line(one) for one in (error, cause) if one)
    if any(_status(one) in (401, 403) for one in (error, cause)):
        return DataError(f"the server refuses access: {said}", where=where, hint=LOGIN, code=NOT_THERE)
    return EnvironmentFault(said, where=where, hint="try again later", code=UNREACHABLE)


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _status(error: BaseException | None) -> int | None:
    """The HTTP status of the answer that an error holds."""
    return getattr(getattr(error, "response", None), "status_code", None)
