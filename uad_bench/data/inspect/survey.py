"""Every case of a dataset inspected before any work, and the problems that only show between cases."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from uad_bench.data.inspect.case import DEFAULT_CHECKS, Checks, InspectedCase, inspect_case
from uad_bench.data.inspect.findings import Finding, FindingList, finding_of
from uad_bench.errors import DataError, EnvironmentFault
from uad_bench.support.process_pool import each
from uad_bench.types import Case


@dataclass(frozen=True)
class Survey:
    """Every case with its findings, and the findings that concern no single case.

    unpaired: number of cases that the adapter could not pair; checks: the checks that were made.
    """

    cases: tuple[InspectedCase, ...]
    overall: tuple[Finding, ...]
    unpaired: int
    checks: Checks

    @property
    def findings(self) -> list[Finding]:
        """All findings: those of the dataset, then case by case."""
        return [*self.overall, *(finding for one in self.cases for finding in one.findings)]

    @property
    def errors(self) -> list[Finding]:
        """What must be corrected before the dataset can be used as a whole."""
        return [finding for finding in self.findings if finding.is_error]


def survey(
    cases: Sequence[Case],
    adapter_findings: Sequence[Finding] = (),
    checks: Checks = DEFAULT_CHECKS,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Inspect every case of a dataset.

    adapter_findings: findings of its adapter, one error for each case that could not be paired; workers: number of
    processes, on which the findings do not depend; progress: called with the number of cases done and of all cases.
    Raises nothing for a bad case, so that one never hides another.
    """
    inspected: list[InspectedCase] = []
    for one in each(partial(inspect_case, checks=checks), cases, workers, _not_inspected):
        inspected.append(one)
        if progress:
            progress(len(inspected), len(cases))
    found = FindingList()
    _compare_ids(cases, found)
    _compare_masks(cases, found)
    _compare_voxels(inspected, found)
    unpaired = sum(finding.is_error for finding in adapter_findings)
    return Survey(tuple(inspected), (*adapter_findings, *found.findings), unpaired, checks)


def _not_inspected(case: Case) -> InspectedCase:
    """A case whose worker process died."""
    hint = "most likely killed for memory: use fewer workers"
    error = EnvironmentFault("not checked, a worker process died", where=case.case_id, hint=hint)
    return InspectedCase(case, (finding_of(error, case.case_id),))


def _compare_ids(cases: Sequence[Case], found: FindingList) -> None:
    """Errors for duplicate case ids; a warning for subjects with several cases, because these share a role."""
    for case_id, number in sorted(Counter(case.case_id for case in cases).items()):
        if number > 1:
            hint = "name a root folder that contains one copy of the data"
            what = f"{number} cases have this case id"
            found.error(DataError(what, where=case_id, hint=hint, code="UB329"))
    several: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        several[case.subject_id].add(case.case_id)
    for subject_id, ids in sorted(several.items()):
        if len(ids) > 1:
            what = f"{subject_id}: {len(ids)} cases, {', '.join(sorted(ids))}; they will share a role"
            found.warn("subjects with several cases", what)


def _compare_masks(cases: Sequence[Case], found: FindingList) -> None:
    """A warning for a lesion mask file of several subjects, as where a cell of a table was copied."""
    owners: dict[str, dict[str, str]] = defaultdict(dict)
    for case in cases:
        if case.lesion_mask is not None:
            owners[os.path.realpath(case.lesion_mask)][case.subject_id] = case.case_id
    for path, ids in sorted(owners.items()):
        if len(ids) > 1:
            found.warn(
                "lesion masks of several subjects", f"{Path(path).name}: {', '.join(sorted(ids.values()))}"
            )


def _compare_voxels(inspected: Sequence[InspectedCase], found: FindingList) -> None:
    """A warning for images with equal voxels: which one is wrong cannot be decided before roles are assigned."""
    images: dict[str, list[str]] = defaultdict(list)
    for one in inspected:
        for modality, digest in one.voxels.items():
            images[digest].append(f"{one.case.case_id} {modality}")
    for names in sorted(names for names in images.values() if len(names) > 1):
        found.warn("images with the same voxels", " = ".join(names))
