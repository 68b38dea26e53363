"""Where the data is on this machine: dataset folders, the cache, adapters, and the cases that these find."""

import logging
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, cast, get_args

from uad_bench import plugins
from uad_bench.config import Protocol, checked_parameters, default_protocol, load_protocol
from uad_bench.data.adapter import DatasetAdapter
from uad_bench.data.unread_files import UNREAD, as_texts, unread_files
from uad_bench.errors import DataError, EnvironmentFault, PluginError, UadError, UsageError, one_line
from uad_bench.prepare.prepare_cases import Preparation
from uad_bench.support.progress import heartbeat
from uad_bench.support.user_folders import user_folder
from uad_bench.types import Case, Orientation

log = logging.getLogger(__name__)

#: The atlas that comes with the installation, where a step names no other.
SHIPPED_ATLAS = "mni152"
#: An option of every dataset, not passed to its adapter; see `types.Case`.
ORIENTATION = "orientation"


@dataclass(frozen=True)
class Sources:
    """Where data is and how it is prepared on this machine.

    cache: the folder of prepared cases; roots: folders by dataset; workers: processes that prepare cases;
    skip_broken: leave out cases that cannot be paired or prepared; skip_missing: leave out cases that lack a
    modality of the protocol; reported: messages that were given, each once.
    """

    cache: Path
    roots: Mapping[str, Path] = field(default_factory=dict)
    workers: int = 1
    skip_broken: bool = False
    skip_missing: bool = False
    reported: set[str] = field(default_factory=set, compare=False, repr=False)

    def _warn_once(self, text: str) -> None:
        if text not in self.reported:
            self.reported.add(text)
            log.warning("%s", text)

    def named_root(self, dataset: str) -> Path | None:
        """The folder that the user named for a dataset: --data, then $UAD_BENCH_DATA/<name>; None without either.

        Raises DataError where $UAD_BENCH_DATA cannot be read (UB321) or has two such folders (UB301); one that is no
        folder is a warning.
        """
        if dataset in self.roots:
            return self.roots[dataset]
        if not os.environ.get("UAD_BENCH_DATA", ""):
            return None
        parent = user_folder("UAD_BENCH_DATA", Path.cwd, "data")
        try:
            if not parent.is_dir():
                self._warn_once(f"$UAD_BENCH_DATA is no folder and is not used: {parent}")
                return None
            named = [one for one in parent.iterdir() if one.name.lower() == dataset.lower() and one.is_dir()]
        except OSError as error:
            raise _unreadable(error, parent) from error
        return _only(dataset, sorted(named))

    def with_recorded(self, roots: Mapping[str, str], where: str) -> "Sources":
        """These sources, with the folders that a run recorded for the datasets that the user named none for.

        A folder that is not there any more is left out, so that the error names the option to give.
        """
        missing = {name: Path(root) for name, root in roots.items() if self.named_root(name) is None}
        known = {name: root for name, root in missing.items() if root.is_dir()}
        for name, root in known.items():
            if (said := f"{where}: {name} in {root}, as the run recorded") not in self.reported:
                self.reported.add(said)
                log.info("%s", said)
        return replace(self, roots={**self.roots, **known})

    def preparation(self, protocol: Protocol, steps: Sequence[Mapping[str, Any]]) -> Preparation:
        """How cases are prepared here for a protocol, by these of its steps."""
        return Preparation(protocol.modalities, steps, self.cache, self.workers)

    def root(self, dataset: str, adapter: DatasetAdapter) -> Path:
        """The folder of a dataset: the user's, else the dataset's own.

        Raises DataError where there is neither (UB301).
        """
        own = self.named_root(plugins.label(dataset)) or adapter.default_root()
        if own is None:
            about = f"; {adapter.about}" if adapter.about else ""
            hint = (
                f"add --data {shlex.quote(dataset)}=FOLDER, or place the folder below $UAD_BENCH_DATA{about}"
            )
            raise DataError(f"no folder is known for dataset {dataset!r}", hint=hint, code="UB301")
        # Datasets read names of folders above their files, which ".." hides.
        return own.resolve() if ".." in own.parts else own


def _only(dataset: str, folders: Sequence[Path]) -> Path | None:
    """The folder of a dataset, None without one. Raises DataError for two whose names differ in capitals (UB301)."""
    if len(folders) > 1:
        what = f"two folders for dataset {dataset!r}: {' and '.join(folder.name for folder in folders[:2])}"
        hint = f"name one, --data {shlex.quote(dataset)}=FOLDER"
        raise DataError(what, where=str(folders[0].parent), hint=hint, code="UB301")
    return folders[0] if folders else None


def pinned_protocol(name: str, overrides: Mapping[str, Any]) -> Protocol:
    """A protocol by name ("" is the default) or file, with the digest of every atlas that is the user's file.

    Raises UsageError for a protocol or key that does not exist, DataError for an atlas that is not there.
    """
    from uad_bench.prepare.registration.atlas import atlas_sha256

    protocol = load_protocol(name or default_protocol(), overrides)
    steps = []
    for step in protocol.prepare:
        atlas = str(step.get("atlas", SHIPPED_ATLAS))
        steps.append(dict(step) if atlas == SHIPPED_ATLAS else {"sha256": atlas_sha256(atlas), **step})
    return protocol.model_copy(update={"prepare": tuple(steps)})


def default_cache() -> Path:
    """$UAD_BENCH_CACHE, or the user's cache folder. Raises EnvironmentFault for a user without a home folder."""
    from platformdirs import user_cache_path

    return user_folder("UAD_BENCH_CACHE", lambda: user_cache_path("uad-bench"), "the cache")


def adapter_for(dataset: str, options: Mapping[str, Any]) -> DatasetAdapter:
    """The adapter of a dataset by name, module:Class or file, with its options checked."""
    cls = plugins.load(plugins.resolve("dataset", dataset))
    own = {key: value for key, value in options.items() if key != ORIENTATION or key in _fields(cls)}
    orientation_of(dataset, options)
    adapter: DatasetAdapter = cls(**checked_parameters(cls, own, dataset))
    return adapter


def _fields(cls: type) -> set[str]:
    return {one.name for one in fields(cls)} if is_dataclass(cls) else set()


def orientation_of(dataset: str, options: Mapping[str, Any]) -> Orientation | None:
    """The option `orientation`, which every dataset has: the header transform that its files are read by.

    Raises UsageError for another word than sform and qform (UB202).
    """
    word = options.get(ORIENTATION)
    if word not in (None, *get_args(Orientation)):
        hint = "write sform or qform"
        raise UsageError(f"{ORIENTATION}: got {word!r:.60}", where=dataset, hint=hint, code="UB202")
    return cast("Orientation | None", word)


def find_cases(
    dataset: str, options: Mapping[str, Any], sources: Sources
) -> tuple[list[Case], list[DataError]]:
    """Every case of a dataset, ordered by case id, and an error for each case that cannot be paired.

    Raises DataError for a folder that is not known (UB301), cannot be read (UB321) or holds no case, PluginError
    where the adapter fails.
    """
    adapter, label = adapter_for(dataset, options), plugins.label(dataset)
    root = sources.root(dataset, adapter)
    try:
        with heartbeat(f"{label}: looking for its cases, or generating them"):
            items: list[Case | DataError] = list(adapter.discover(root))
    except UadError as error:
        _warn_of_unread(root, [], [], sources)
        raise error
    except OSError as error:
        raise _unreadable(error, root) from error
    except Exception as error:
        what = f"dataset {label!r} failed to read its folder: {type(error).__name__}: {error}"
        raise PluginError(what, where=str(root), hint="is it this dataset's folder?") from error
    _warn_of_links([item for item in items if isinstance(item, Case)], root)
    cases = [replace(item, dataset=label) for item in items if isinstance(item, Case)]
    orientation = orientation_of(dataset, options)
    if orientation is not None:
        cases = [replace(case, orientation=orientation) for case in cases]
    faults = [item for item in items if isinstance(item, DataError)]
    _warn_of_unread(root, cases, faults, sources)
    return sorted(cases, key=lambda case: case.case_id), faults


def _warn_of_links(cases: Sequence[Case], root: Path) -> None:
    """Warn of files that a dataset names below its root, and that are links to a place outside; they are read.

    Adapters that search a folder ignore such links; a table names its files, and may name links.
    """
    if os.environ.get("UAD_BENCH_FOLLOW_LINKS") == "1":
        return
    inside, base = os.path.realpath(root), os.path.normpath(root.absolute())
    files = (
        path for case in cases for path in (*case.images.values(), case.brain_mask, case.lesion_mask) if path
    )
    out = [
        path
        for path in files
        if Path(os.path.normpath(path.absolute())).is_relative_to(base)
        and not Path(os.path.realpath(path)).is_relative_to(inside)
    ]
    if out:
        what = "%s: %d files are links that lead out of it; they are read (UAD_BENCH_FOLLOW_LINKS=1 says so): %s ..."
        log.warning(what, root, len(out), out[0])


def _warn_of_unread(root: Path, cases: Sequence[Case], faults: Sequence[DataError], sources: Sources) -> None:
    """Warn of image files below the root that no case uses; once for each in a command."""
    used = [
        path
        for case in cases
        for path in (*case.images.values(), case.lesion_mask, case.brain_mask)
        if path is not None
    ]
    broken = [fault.where.partition(",")[0] for fault in faults]
    for text in map(one_line, as_texts(unread_files(root, used, broken))):
        if text not in sources.reported:
            sources.reported.add(text)
            log.warning("%s", text, extra={"heading": UNREAD})


def _unreadable(error: OSError, folder: Path) -> DataError:
    what = f"cannot read the data: {error.strerror or error}"
    hint = "check the path and its permissions"
    return DataError(what, where=str(error.filename or folder), hint=hint, code="UB321")


def require_cases(dataset: str, options: Mapping[str, Any], sources: Sources) -> list[Case]:
    """Every case of a dataset. Raises as `find_cases`, and DataError for cases that cannot be paired."""
    cases, faults = find_cases(dataset, options, sources)
    raise_first(faults, "cannot be paired", skip=sources.skip_broken)
    return cases


def raise_first(faults: Sequence[UadError], what: str, *, skip: bool) -> None:
    """Raise the first error of several cases, with their number; nothing where these cases may be skipped.

    An EnvironmentFault is always raised: the machine failed, and the case itself may be sound.
    """
    environment = [fault for fault in faults if isinstance(fault, EnvironmentFault)]
    if environment:
        raise environment[0]
    if not faults or skip:
        return
    if len(faults) == 1:
        raise faults[0]
    first = faults[0]
    hint = "`uad-bench data check` lists all of them; correct them, or add --skip-broken to leave them out"
    raise type(first)(
        f"{len(faults)} cases {what}; the first: {first.what}", where=first.where, hint=hint, code=first.code
    )
