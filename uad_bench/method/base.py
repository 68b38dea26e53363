"""The Method contract: healthy scans in, anomaly maps out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from uad_bench.errors import PluginError
from uad_bench.types import Component, Scan

if TYPE_CHECKING:
    from uad_bench.method.context import Context


class Method:
    """One way to find anomalies. Derive, make it a dataclass, write `score`, and `fit` if it learns.

    The dataclass fields are exactly the hyper-parameters: keyword arguments with defaults, stored untouched.
    What is learnt ends in `_` (`mean_`). Randomness comes from `ctx.rng(...)` only, and at scoring from
    `ctx.rng(scan.case_id)`, so that maps do not depend on order, batching or resuming. A method never sees a
    lesion mask or a path to the data; whether it works on slices, patches or volumes is its own business.
    """

    #: The paper, as "Author et al. year, arXiv or doi".
    paper: ClassVar[str] = ""
    #: Modalities it can take; empty: any.
    modalities: ClassVar[tuple[str, ...]] = ()
    #: True where fit and score draw nothing at random: a deviation over seeds would be an empty statement.
    deterministic: ClassVar[bool] = False
    #: True for a row that carries no idea, only the floor (random scores): shown apart in tables.
    null: ClassVar[bool] = False
    #: True for a plain method that every table compares all others with, by a paired test.
    baseline: ClassVar[bool] = False
    #: Datasets that weights from elsewhere have seen: a run that tests on one of them is a leak.
    pretrained_on: ClassVar[tuple[str, ...]] = ()
    #: Parameters with which a fit takes seconds; the conformance checks use them.
    tiny: ClassVar[Mapping[str, Any]] = {}
    #: Named sets of parameters: {"conv": {"network": "conv"}} makes `name:conv` a row of its own in tables.
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: "Context") -> None:
        """Learn from healthy scans. `val` is healthy too and serves to choose among weights, never to train.

        Both are sequences that load a scan when it is asked for. The default learns nothing.
        """

    def score(self, scan: Scan, ctx: "Context") -> npt.ArrayLike:
        """The anomaly map (X, Y, Z) on the scan's grid: higher = more anomalous, finite, any range."""
        raise NotImplementedError

    def components(self, scan: Scan, ctx: "Context") -> Mapping[str, Component | npt.ArrayLike]:
        """What the map of `scan` is made of, by name: a reconstruction, an error beside its variance.

        For pictures alone (`uad-bench draw inside`): no number is made from it. Each on the scan's grid and finite
        in the brain, a bare array (X, Y, Z) being a `Component` of kind "value"; randomness as in `score`. The
        first two are drawn against each other. The default has none.
        """
        return {}

    def seen(self) -> tuple[str, ...]:
        """Datasets that weights from elsewhere have seen, where these parameters bring any: `pretrained_on`."""
        return self.pretrained_on

    def save(self, folder: Path) -> None:
        """Write what was learnt into the empty `folder`. The default keeps arrays, numbers and tuples."""
        state = learnt(self)
        arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        plain = {name: value for name, value in state.items() if name not in arrays}
        np.savez(folder / "state.npz", allow_pickle=False, **arrays)
        (folder / "state.json").write_text(json.dumps(plain, indent=1, sort_keys=True))

    def load(self, folder: Path, ctx: "Context") -> None:
        """Read back what `save` wrote. Raises PluginError where the folder holds something else."""
        for name, value in json.loads((folder / "state.json").read_text()).items():
            setattr(self, name, tuple(value) if isinstance(value, list) else value)
        with np.load(folder / "state.npz", allow_pickle=False) as arrays:
            for name in arrays.files:
                setattr(self, name, arrays[name])


def learnt(method: Method) -> dict[str, Any]:
    """The learnt state: attributes whose names end in `_`. Raises PluginError on what cannot be kept."""
    state = {k: v for k, v in vars(method).items() if k.endswith("_") and not k.startswith("_")}
    for name, value in state.items():
        if not isinstance(value, (np.ndarray, int, float, str, bool, tuple, list)):
            what = f"{type(method).__name__}.{name} is a {type(value).__name__}"
            raise PluginError(
                f"{what}, which the default save cannot keep",
                hint="keep numpy arrays and numbers, derive from TorchMethod, or write save and load",
            )
    return state


def hyper_parameters(method: Method) -> dict[str, Any]:
    """The dataclass fields and their values, in the order of declaration."""
    return {f.name: getattr(method, f.name) for f in fields(method) if f.init}  # type: ignore[arg-type]


def variant(method: Method) -> str:
    """The name of the declared variant whose parameters this method has; "" for none."""
    for name, parameters in method.variants.items():
        if all(getattr(method, key) == value for key, value in parameters.items()):
            return name
    return ""
