"""What the checks of a preparation step are given: the step with its parameters, and a toy case to apply it to."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from uad_bench.data.nifti.read import Volume
from uad_bench.prepare.step import CaseVolumes, Step
from uad_bench.testing.candidate import NotChecked
from uad_bench.testing.process_state import changed_settings, process_state
from uad_bench.testing.toy import toy_scans
from uad_bench.testing.toy_cases import toy_volumes

MASKS = ("brain_mask", "lesion_mask", "ignored")


@dataclass(frozen=True)
class StepCandidate:
    """A preparation step and the case that it is applied to, by default a lesion case of `toy_volumes`."""

    name: str
    step: Step
    case: CaseVolumes = field(default_factory=toy_volumes)

    @property
    def cls(self) -> type[Step]:
        """The class of the step."""
        return type(self.step)

    def fresh_case(self) -> CaseVolumes:
        """A copy of the case that nothing else refers to."""
        return deepcopy(self.case)

    def fresh_healthy_case(self) -> CaseVolumes:
        """The case without lesions and without ignored voxels."""
        return replace(self.fresh_case(), lesion_mask=None, ignored=None, lost=0)

    @cached_property
    def ready(self) -> Step:
        """The step; one that learns parameters is fitted to toy scans."""
        return self.fitted() if self.step.needs_fit else self.step

    def fitted(self) -> Step:
        """The step fitted to four toy scans of the case's modalities."""
        return self.step.fitted(toy_scans(4, tuple(self.case.images), prefix="train"))

    @cached_property
    def first(self) -> "Application":
        """The first application of the step, used by most checks: a slow step runs as rarely as possible."""
        given, before = self.fresh_case(), process_state()
        try:
            result: CaseVolumes | Exception = self.ready.apply(given)
        except Exception as error:
            result = error
        return Application(given, result, changed_settings(before))

    @property
    def first_result(self) -> CaseVolumes:
        """The case after the step. Raises whatever the step does."""
        if isinstance(self.first.result, Exception):
            raise self.first.result
        return self.first.result

    @property
    def reference(self) -> CaseVolumes:
        """`first_result`. Raises NotChecked where the step gives none, so that a fault breaks one promise only."""
        if isinstance(self.first.result, Exception):
            raise NotChecked("it depends on the promise `result`") from self.first.result
        return self.first.result


@dataclass(frozen=True, eq=False)
class Application:
    """One application of a step: the case that was given to it, its result or its error, and the changed settings."""

    given: CaseVolumes
    result: CaseVolumes | Exception
    changed: list[str]


def volumes(case: CaseVolumes) -> Iterator[tuple[str, Volume[Any]]]:
    """The images and masks of a case that are there, by name."""
    yield from case.images.items()
    yield from ((name, mask) for name in MASKS if (mask := getattr(case, name)) is not None)


def differences(one: CaseVolumes, other: CaseVolumes) -> list[str]:
    """The names of what differs between two cases, arrays and affines bit by bit."""
    mine, theirs = dict(volumes(one)), dict(volumes(other))
    found = [name for name in mine.keys() | theirs.keys() if not _same(mine.get(name), theirs.get(name))]
    if not np.array_equal(one.to_atlas, other.to_atlas):
        found.append("to_atlas")
    plain = ("case_id", "stripped", "lost", "figures")
    return sorted(found) + [name for name in plain if getattr(one, name) != getattr(other, name)]


def _same(one: Volume[Any] | None, other: Volume[Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    nan = one.array.dtype.kind == other.array.dtype.kind == "f"
    same = one.array.dtype == other.array.dtype and np.array_equal(one.array, other.array, equal_nan=nan)
    return same and np.array_equal(one.affine, other.affine)
