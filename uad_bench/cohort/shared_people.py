"""One person in two datasets: by the keys of persons that adapters give, or by datasets that may overlap (L6)."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from uad_bench import plugins
from uad_bench.cohort.discovery import adapter_for
from uad_bench.data.adapter import DatasetAdapter
from uad_bench.data.audit.findings import Finding, Subject
from uad_bench.errors import PluginError, UadError
from uad_bench.types import Case


def shared_people(
    cases: Mapping[str, Sequence[Case]], options: Mapping[str, Mapping[str, Any]]
) -> tuple[list[tuple[Subject, Subject]], list[Finding]]:
    """Pairs of subjects of two datasets that are one person, and remarks on pairs of datasets.

    A remark is a warning for two datasets that may overlap, and a note for two of the same people without a common
    subject. cases: the cases that take part, by dataset; options: the options of the datasets.
    """
    if len(cases) < 2:
        return [], []
    adapters = {name: adapter_for(name, options.get(name, {})) for name in cases}
    pairs = list(_pairs(cases, adapters))
    return pairs, list(_remarks(adapters, {(a[0], b[0]) for a, b in pairs}))


def _pairs(
    cases: Mapping[str, Sequence[Case]], adapters: Mapping[str, DatasetAdapter]
) -> Iterator[tuple[Subject, Subject]]:
    persons: dict[str, dict[Subject, None]] = defaultdict(dict)
    for name, adapter in adapters.items():
        for case in cases[name]:
            if person := _person(name, adapter, case):
                persons[person][case.dataset, case.subject_id] = None
    for subjects in persons.values():
        yield from ((a, b) for a, b in combinations(subjects, 2) if a[0] != b[0])


def _person(name: str, adapter: DatasetAdapter, case: Case) -> str:
    """The key of a case's person. Raises PluginError where the adapter cannot give it."""
    try:
        return adapter.person_of(case)
    except UadError:
        raise
    except Exception as error:
        where, hint = f"{name}.person_of, case {case.case_id}", "run with --debug for the traceback"
        raise PluginError(f"{type(error).__name__}: {error}", where=where, hint=hint, code="UB402") from error


def _remarks(
    adapters: Mapping[str, DatasetAdapter], paired: Collection[tuple[str, str]]
) -> Iterator[Finding]:
    for one, other in combinations(adapters, 2):
        labels = plugins.label(one), plugins.label(other)
        if labels[1] in adapters[one].may_share or labels[0] in adapters[other].may_share:
            what = f"{labels[0]} and {labels[1]} may show the same people; their ids cannot be compared"
            yield Finding("L6", "warning", what, tuple(sorted(labels)))
        elif adapters[one].people == adapters[other].people != "" and labels not in paired:
            yield Finding(
                "L6", "note", f"{labels[0]} and {labels[1]}: their subjects were compared, none is in both"
            )
