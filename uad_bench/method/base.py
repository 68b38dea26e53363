"""The contract of a method: it is fitted on healthy scans and gives one anomaly map per scan."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from uad_bench.errors import PluginError
from uad_bench.types import USUAL_TRACK, Component, Resources, Scan

if TYPE_CHECKING:
    from uad_bench.method.context import Context


class Method:
    """A method of unsupervised anomaly detection. Derive a dataclass, write `score`, and `fit` if it learns.

    **Input.** A `Scan` is all that a method sees of a case: `image`, float32 (C, X, Y, Z), one channel per modality,
    scaled by the protocol, 0 outside the brain; `brain_mask`, bool (X, Y, Z); `affine` (4, 4), voxel to world, mm;
    `spacing` (x, y, z), mm; `modalities`, one word a channel; `case_id`, which seeds random draws and may name a group
    of cases: a method must not use it otherwise. Axes are RAS+, everything is read-only. Lesion masks and paths are
    never given. Whether the method works on slices, patches or volumes is its own choice.

    **Output.** `score` returns an anomaly map (X, Y, Z) on the scan's grid: higher = more anomalous, any range,
    finite inside the brain. Values outside the brain are ignored.

    **Parameters** are the dataclass fields: keyword arguments with defaults, stored unchanged, checked against their
    annotations before the class is made. Settings of a run change them (`--set name.sigma=2`).

    **Learnt state** is stored in attributes whose names end in `_` (`mean_`); `save` and `load` of this class keep
    numpy arrays, numbers, words and tuples. Derive from `TorchMethod` for networks.

    **Randomness** comes from `ctx.rng(...)` and `ctx.torch_rng(...)` only, in `score` from `ctx.rng(scan.case_id)`, so
    that a map depends neither on the order of the scans nor on a resume.

    Wrong shapes (UB403) and values that are not finite inside the brain (UB404) are refused with a PluginError, other
    exceptions are reported as one (UB402). `uad-bench check` tests the whole contract.

    >>> from dataclasses import dataclass
    >>> from uad_bench import Context, Method
    >>> from uad_bench.testing import toy_scans
    >>> @dataclass
    ... class MeanDifference(Method):
    ...     power: float = 1.0
    ...
    ...     def fit(self, train, val, ctx):
    ...         self.mean_ = np.mean([scan.image for scan in train], axis=0)
    ...
    ...     def score(self, scan, ctx):
    ...         return (np.abs(scan.image - self.mean_) ** self.power).mean(axis=0)
    >>> train, (scan,) = toy_scans(3), toy_scans(1, prefix="test")
    >>> method = MeanDifference()
    >>> method.fit(train, [], Context(seed=0))
    >>> method.score(scan, Context(seed=0)).shape == scan.shape
    True
    """

    #: The paper, as "Author et al. year, arXiv or doi".
    paper: ClassVar[str] = ""
    #: Raised when the same parameters give other numbers than before, such as another initialisation. Runs of different
    #: versions have rows of their own, and tables mark those of versions that are not installed.
    version: ClassVar[int] = 1
    #: Modalities that the method accepts; empty: any.
    modalities: ClassVar[tuple[str, ...]] = ()
    #: True if neither fit nor score draws random numbers: tables then print no deviation over seeds.
    deterministic: ClassVar[bool] = False
    #: True for a control, such as random scores or a simple reference: tables show it and never rank it.
    null: ClassVar[bool] = False
    #: True for a simple method that tables compare all other methods with, by a paired test.
    baseline: ClassVar[bool] = False
    #: Datasets that external weights were trained on: a run that is tested on one of them is reported as a leak.
    pretrained_on: ClassVar[tuple[str, ...]] = ()
    #: What the method learns from, one of `uad_bench.types.TRACKS`; `learns_from` where the parameters decide.
    track: ClassVar[str] = USUAL_TRACK
    #: What one run needs under a protocol of real scans, for engines that place runs on machines.
    resources: ClassVar[Resources] = Resources()
    #: Parameters with which a fit takes seconds; used by the conformance checks.
    tiny: ClassVar[Mapping[str, Any]] = {}
    #: The smallest and the largest value of parameters that are numbers: {"steps": (1, 1e9)}.
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}
    #: Named sets of parameters: {"conv": {"network": "conv"}} makes `name:conv` a separate row of the tables.
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: "Context") -> None:
        """Learn from the healthy scans `train`. `val`, healthy too, is for the selection of weights
        and of scalar settings, not for training.

        Both sequences load a scan when it is indexed, so keep no scan that is not needed. By default nothing is learnt.
        """

    def score(self, scan: Scan, ctx: "Context") -> npt.ArrayLike:
        """The anomaly map (X, Y, Z) on the scan's grid: higher = more anomalous, finite inside the brain, any range.

        A method that writes `score_set` only scores a single scan as a set of one.
        """
        if not scores_sets(type(self)):
            raise NotImplementedError
        return next(iter(self.score_set([scan], ctx)))

    def score_set(self, scans: Sequence[Scan], ctx: "Context") -> Iterator[npt.ArrayLike]:
        """The anomaly map of every scan of a set, in the order of `scans`; by default one by one.

        Only methods of the tracks "transductive" and "weak" override it. A run calls it once for the scans of a dataset
        that have one role (test, tune, val), healthy ones and others together. `scans` loads a scan when it is indexed:
        pass through it as often as needed and keep statistics, no scans. Yield each map as soon as it is ready. A map
        may depend on which scans are in the set, not on their order.
        """
        return (self.score(scan, ctx) for scan in scans)

    def components(self, scan: Scan, ctx: "Context") -> Mapping[str, Component | npt.ArrayLike]:
        """Volumes that explain the map of `scan`, by name, such as the reconstruction; by default none.

        `uad-bench draw inside` shows them; no metric is computed from them. Each is (X, Y, Z) on the scan's grid and
        finite inside the brain; a bare array is a `Component` of kind "value". The first two are plotted against each
        other. Randomness as in `score`.
        """
        return {}

    def seen(self) -> tuple[str, ...]:
        """Datasets that external weights were trained on, given these parameters; by default `pretrained_on`."""
        return self.pretrained_on

    def learns_from(self) -> str:
        """The track of the method with these parameters.

        By default `track`, or "features" where that is "healthy" and weights from elsewhere are used (`seen`).
        """
        return "features" if self.track == USUAL_TRACK and self.seen() else self.track

    def save(self, folder: Path) -> None:
        """Write the learnt state into the empty `folder`: arrays to state.npz, the rest to state.json.

        Raises PluginError for an attribute of another type: override `save` and `load` then.
        """
        state = learnt(self)
        arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        plain = {name: value for name, value in state.items() if name not in arrays}
        np.savez(folder / "state.npz", allow_pickle=False, **arrays)
        (folder / "state.json").write_text(json.dumps(plain, indent=1, sort_keys=True))

    def load(self, folder: Path, ctx: "Context") -> None:
        """Read what `save` wrote. An override raises PluginError where the content does not fit the parameters."""
        for name, value in json.loads((folder / "state.json").read_text()).items():
            setattr(self, name, tuple(value) if isinstance(value, list) else value)
        with np.load(folder / "state.npz", allow_pickle=False) as arrays:
            for name in arrays.files:
                setattr(self, name, arrays[name])


def scores_sets(cls: type[Method]) -> bool:
    """Whether a method scores whole sets of scans: it has its own `score_set`."""
    return cls.score_set is not Method.score_set


def learnt(method: Method) -> dict[str, Any]:
    """The attributes whose names end in `_`. Raises PluginError for a type that the default `save` cannot store."""
    state = {k: v for k, v in vars(method).items() if k.endswith("_") and not k.startswith("_")}
    for name, value in state.items():
        if not isinstance(value, (np.ndarray, int, float, str, bool, tuple, list)):
            what = f"{type(method).__name__}.{name} is a {type(value).__name__}"
            raise PluginError(
                f"{what}, which the default save cannot store",
                hint="store numpy arrays and numbers, derive from TorchMethod, or write save and load",
            )
    return state


def hyper_parameters(method: Method) -> dict[str, Any]:
    """The dataclass fields and their values, in the order of declaration."""
    return {f.name: getattr(method, f.name) for f in fields(method) if f.init}  # type: ignore[arg-type]


def variant(method: Method) -> str:
    """The name of the first declared variant whose parameters all have this method's values; "" for none."""
    for name, parameters in method.variants.items():
        if all(getattr(method, key) == value for key, value in parameters.items()):
            return name
    return ""
