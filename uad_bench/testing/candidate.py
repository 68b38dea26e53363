"""What the checks of methods and datasets are given: the class with quick parameters, and its test data."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import SkipTest

from uad_bench.data.adapter import DatasetAdapter
from uad_bench.errors import DataError, PluginError, UadError
from uad_bench.method.base import Method
from uad_bench.method.context import Context
from uad_bench.method.guard import checked_map
from uad_bench.method.loop_state import Policy
from uad_bench.testing.toy import toy_scans
from uad_bench.types import Case, FloatArray, Scan


class NotChecked(UadError, SkipTest):
    """The promise does not apply to this plug-in, or cannot be tested here; pytest reports the check as skipped."""


def broken(name: str, expected: str, found: str, fix: str) -> PluginError:
    """The error of a check (UB410): the plug-in, what was expected, what was found, the usual fix."""
    return PluginError(f"{name}: expected {expected}, found {found}", hint=fix, code="UB410")


@dataclass(frozen=True)
class MethodCandidate:
    """A method with the parameters of its variant, if any, and those of `tiny` on top."""

    name: str
    cls: type[Method]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def new(self) -> Method:
        """A new method, not fitted."""
        return self.cls(**self.parameters)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The single modality that most checks use."""
        return (self.cls.modalities or ("t2",))[:1]

    def fit(
        self,
        seed: int = 0,
        *,
        train: Sequence[Scan] | None = None,
        val: Sequence[Scan] | None = None,
        policy: Policy | None = None,
        modalities: Sequence[str] = (),
    ) -> Method:
        """A new method fitted on four toy scans, or on `train`, with two for validation, or `val`."""
        method, used = self.new(), tuple(modalities) or self.modalities
        scans = toy_scans(4, used, prefix="train") if train is None else train
        kept = toy_scans(2, used, prefix="val") if val is None else val
        method.fit(scans, kept, Context(seed=seed, policy=policy or Policy()))
        return method

    @cached_property
    def first_fit(self) -> tuple[Method, float]:
        """The method fitted with seed 0, and the seconds of the fit."""
        began = time.monotonic()
        return self.fit(), time.monotonic() - began

    @cached_property
    def _saved(self) -> TemporaryDirectory[str]:
        """What an equal fit saves before it has scored anything, as in a run."""
        folder = TemporaryDirectory()
        self.fit().save(Path(folder.name))
        return folder

    def loaded(self) -> Method:
        """A new method with what an equal fit saved before it had scored anything. Raises whatever the method does."""
        method = self.new()
        method.load(Path(self._saved.name), Context())
        return method

    @cached_property
    def first_map(self) -> FloatArray:
        """The map of `first_fit` for the first fresh scan. Raises whatever the method does."""
        return self.map(self.first_fit[0], self.fresh_scans(1)[0])

    @property
    def reference(self) -> FloatArray:
        """`first_map`, which an equal fit must reproduce bit by bit.

        Raises NotChecked where the method gives none, so that a fault breaks one promise only.
        """
        try:
            return self.first_map
        except Exception as error:
            raise NotChecked("it depends on the promise `map`") from error

    def map(self, method: Method, scan: Scan, seed: int = 0, ctx: Context | None = None) -> FloatArray:
        """The map (X, Y, Z) of a scan, checked as in a run; `ctx` defaults to a new context."""
        return checked_map(method.score(scan, ctx or Context(seed=seed)), scan, self.name)

    def fresh_scans(self, n: int = 2) -> list[Scan]:
        """Toy scans that are in no training set."""
        return toy_scans(n, self.modalities, prefix="fresh")


@dataclass(frozen=True)
class DatasetCandidate:
    """A dataset with the options of its class attribute `tiny`, if it has one, and a folder."""

    name: str
    cls: type[DatasetAdapter]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    root: Path | None = None

    def new(self) -> DatasetAdapter:
        """A new adapter."""
        return self.cls(**self.parameters)

    @cached_property
    def folder(self) -> Path:
        """The given folder, or the one that the dataset makes itself. Raises NotChecked where there is none."""
        root = self.root or self.new().default_root()
        if root is None:
            raise NotChecked(f"no folder is known for dataset {self.name!r}", hint="give one with --data")
        return root

    @cached_property
    def found(self) -> list[Case | DataError]:
        """What `discover` yields for the folder, in its order: cases, and errors for those that cannot be paired."""
        return list(self.new().discover(self.folder))

    @property
    def cases(self) -> list[Case]:
        """The cases among `found`. Raises NotChecked where all are errors."""
        cases = [item for item in self.found if isinstance(item, Case)]
        if self.found and not cases:
            raise NotChecked(f"no case in {self.folder} can be paired", hint=str(self.found[0]))
        return cases
