"""Who takes part in a run: cases found on disk, given roles by the protocol, prepared, ready to be asked for."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from uad_bench import plugins
from uad_bench.config import Protocol, checked_parameters, digest
from uad_bench.data.adapter import DatasetAdapter
from uad_bench.data.splits import assign
from uad_bench.errors import DataError, PluginError, UadError
from uad_bench.prepare.cache import PreparedCase
from uad_bench.types import Case, Scan

Say = Callable[[str], None]


@dataclass(frozen=True)
class Member:
    """A prepared case and its role in the run: train, val, tune or test."""

    prepared: PreparedCase
    role: str

    @property
    def case(self) -> Case:
        """What is known of it on disk."""
        return self.prepared.case


class Scans(Sequence[Scan]):
    """The scans of some members, each mapped from disk when asked for. No lesion mask, no path."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401  # int -> Scan, slice -> Scans
        if isinstance(index, slice):
            return Scans(self._members[index])
        return self._members[index].prepared.scan()


@dataclass(frozen=True)
class Cohort:
    """All members of a run. `left_out` names the cases that could not be prepared, and why."""

    members: tuple[Member, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    def of(self, role: str, dataset: str | None = None) -> list[Member]:
        """The members with a role, of one dataset or of all, by case id."""
        wanted = plugins.label(dataset) if dataset else None
        return [m for m in self.members if m.role == role and wanted in (None, m.case.dataset)]

    @property
    def digest(self) -> str:
        """12 hex digits of who is here, in which role, with which voxels."""
        return digest([[m.case.dataset, m.case.case_id, m.role, m.prepared.content] for m in self.members])


@dataclass(frozen=True)
class Sources:
    """Where data comes from on this machine: roots by dataset, the cache, how many processes prepare."""

    cache: Path
    roots: Mapping[str, Path] = field(default_factory=dict)
    workers: int = 1
    skip_broken: bool = False

    def named_root(self, dataset: str) -> Path | None:
        """The folder that the user named for a dataset: --data, then $UAD_BENCH_DATA/<name>."""
        if dataset in self.roots:
            return self.roots[dataset]
        shelf = os.environ.get("UAD_BENCH_DATA", "")
        for folder in sorted(Path(shelf).iterdir()) if shelf and Path(shelf).is_dir() else []:
            if folder.is_dir() and folder.name.lower() == dataset.lower():
                return folder
        return None

    def root(self, dataset: str, adapter: DatasetAdapter) -> Path:
        """The folder of a dataset: the user's, else the dataset's own. Raises DataError where there is none."""
        own = self.named_root(dataset) or adapter.default_root()
        if own is None:
            hint = f"add --data {dataset}=FOLDER, or put it under $UAD_BENCH_DATA; {adapter.about}"
            raise DataError(f"no folder is known for dataset {dataset!r}", hint=hint, code="UB301")
        return own


def default_cache() -> Path:
    """$UAD_BENCH_CACHE, or the user's cache folder."""
    from platformdirs import user_cache_path

    named = os.environ.get("UAD_BENCH_CACHE")
    return Path(named) if named else user_cache_path("uad-bench")


def adapter_for(dataset: str, options: Mapping[str, Any]) -> DatasetAdapter:
    """The adapter of a dataset by name, module:Class or file, with its options checked."""
    cls = plugins.load(plugins.resolve("dataset", dataset))
    adapter: DatasetAdapter = cls(**checked_parameters(cls, options, dataset))
    return adapter


def discover(dataset: str, options: Mapping[str, Any], sources: Sources) -> list[Case]:
    """Every case of a dataset, by case id, under the dataset's label."""
    adapter, called = adapter_for(dataset, options), plugins.label(dataset)
    root = sources.root(called, adapter)
    try:
        cases = [replace(case, dataset=called) for case in adapter.discover(root)]
    except UadError:
        raise
    except Exception as error:
        what = f"dataset {called!r} failed to read its folder: {type(error).__name__}: {error}"
        raise PluginError(what, where=str(root), hint="is it this dataset's folder?") from error
    return sorted(cases, key=lambda case: case.case_id)


def gather(protocol: Protocol, test: Sequence[str], options: Mapping[str, Mapping[str, Any]],
           sources: Sources, say: Say) -> Cohort:  # fmt: skip
    """Discover, split and prepare everything a run needs.

    Raises UsageError for a dataset without a modality of the protocol, DataError for cases that cannot be
    prepared (all of them named, unless `sources.skip_broken`) or roles that stay empty.
    """
    wanted: list[tuple[Case, str]] = []
    for dataset in dict.fromkeys([*test, protocol.train]):  # what the user named first: it may not be there
        cases = discover(dataset, options.get(dataset, {}), sources)
        usable = [case for case in cases if set(protocol.modalities) <= set(case.images)]
        _tell_incomplete(dataset, cases, usable, protocol, say)
        roles = _roles(protocol, dataset, usable, tested=dataset in test)
        wanted += [(case, roles[case.case_id]) for case in usable if case.case_id in roles]
    cohort = _prepared(protocol, wanted, sources, say)
    _check_roles(cohort, protocol, test)
    return cohort


def _tell_incomplete(dataset: str, cases: Sequence[Case], usable: Sequence[Case], protocol: Protocol,
                     say: Say) -> None:  # fmt: skip
    without = [case.case_id for case in cases if case not in usable]
    words = " and ".join(protocol.modalities)
    if not usable:
        raise DataError(
            f"no case of dataset {dataset!r} has {words}", hint="choose another protocol", code="UB304"
        )
    if without:
        say(f"{dataset}: {len(without)} of {len(cases)} cases lack {words} and are left out: {_few(without)}")


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _roles(protocol: Protocol, dataset: str, cases: Sequence[Case], *, tested: bool) -> dict[str, str]:
    """The role of each case that has one; a dataset that is not tested gives train and val only."""
    splits = protocol.splits
    healthy = [case for case in cases if case.healthy]
    lesion = [case for case in cases if not case.healthy]
    if dataset == protocol.train:
        roles = assign(healthy, {str(role): share for role, share in splits.healthy.items()}, splits.salt)
    else:
        roles = {case.case_id: "test" for case in healthy}
    tune = splits.tune.get(dataset, 0.0)
    roles |= assign(lesion, {"tune": tune, "test": 1 - tune}, splits.salt)
    return roles if tested else {k: role for k, role in roles.items() if role in {"train", "val"}}


def _prepared(protocol: Protocol, wanted: Sequence[tuple[Case, str]], sources: Sources, say: Say) -> Cohort:
    from uad_bench.prepare.cache import prepare_all

    cases = [case for case, _ in wanted]
    say(f"prepare {len(cases)} cases for protocol {protocol.name} (those that were before take no time)")
    done, failures = prepare_all(
        cases, protocol.modalities, protocol.steps, sources.cache, workers=sources.workers
    )
    left_out = tuple((case_id, str(error)) for case_id, error in failures)
    for case_id, reason in left_out:
        say(f"cannot prepare {case_id}: {reason}")
    if failures and not sources.skip_broken:
        first = failures[0][1]
        if len(failures) == 1:
            raise first
        hint = "mend them, or add --skip-broken to leave them out"
        what = f"{len(failures)} cases cannot be prepared; the first: {first.what}"
        raise DataError(what, where=first.where, hint=hint, code=first.code)
    by_id = {(p.case.dataset, p.case.case_id): p for p in done}
    members = [
        Member(by_id[case.dataset, case.case_id], role)
        for case, role in wanted
        if (case.dataset, case.case_id) in by_id
    ]
    return Cohort(tuple(members), left_out)


def _check_roles(cohort: Cohort, protocol: Protocol, test: Sequence[str]) -> None:
    if not cohort.of("train"):
        raise DataError(f"no healthy case of dataset {protocol.train!r} to train on", code="UB305")
    for dataset in test:
        if not cohort.of("test", dataset):
            raise DataError(f"no case of dataset {dataset!r} to test on", code="UB305")


def iter_rows(cohort: Cohort) -> Iterator[dict[str, Any]]:
    """The rows of splits.csv."""
    for member in cohort.members:
        case = member.case
        yield {
            "dataset": case.dataset, "case_id": case.case_id, "subject_id": case.subject_id,
            "role": member.role, "healthy": case.healthy, "lesion_kind": case.lesion_kind,
            "site": case.site, "age": case.age, "sex": case.sex, "content": member.prepared.content,
        }  # fmt: skip
