"""The components of a method's anomaly map: computed and checked like the map itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from uad_bench.errors import PluginError
from uad_bench.method.base import Method
from uad_bench.method.context import Context
from uad_bench.method.guard import guarded
from uad_bench.types import Component, FloatArray, Scan

KINDS = ("value", "intensity", "shift")
LONGEST_NAME = 40
RESERVED = "anomaly map"  # the column of the figure that shows the map


def explain_scan(method: Method, scan: Scan, ctx: Context, name: str) -> dict[str, Component]:
    """The components of one scan by name, float32 (X, Y, Z) or (2, X, Y, Z), 0 outside the brain.

    Raises PluginError as `checked_components`, and (UB402) for any other exception of the method.
    """
    with guarded(f"{name}.components, case {scan.case_id}"):
        answer = method.components(scan, ctx)
    return checked_components(answer, scan, name)


def checked_components(answer: Any, scan: Scan, method: str) -> dict[str, Component]:
    """The value that `Method.components` returned, converted to float32 `Component`s in its order.

    Raises PluginError for something other than a mapping from names (UB405), for an unknown kind or another shape
    (UB403), and for NaN or Inf inside the brain (UB404).
    """
    if not isinstance(answer, Mapping):
        what = f"method {method!r} returned {type(answer).__name__} as components"
        raise PluginError(what, where=scan.case_id, hint="return a dict of volumes by name", code="UB405")
    return {_name(name, method): _component(name, given, scan, method) for name, given in answer.items()}


def _name(name: Any, method: str) -> str:
    """A name that a figure can show. Raises PluginError (UB405) for any other."""
    if isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST_NAME and name != RESERVED:
        return name
    what = f"method {method!r} has a component {name!r}"
    raise PluginError(
        what, hint=f"name it with 1 to {LONGEST_NAME} printable letters, not {RESERVED!r}", code="UB405"
    )


def _component(name: str, given: Any, scan: Scan, method: str) -> Component:
    """One component on the scan's grid, 0 outside the brain."""
    part = given if isinstance(given, Component) else Component(given)
    called = f"component {name!r} of method {method!r}"
    shape = (2, *scan.shape) if part.kind == "shift" else scan.shape
    values = _array(part.values, called, scan)
    if part.kind not in KINDS or values.shape != shape:
        what = f"{called} is of kind {part.kind!r} and shape {values.shape}"
        hint = f"kinds are {', '.join(KINDS)}; here {shape} is expected"
        raise PluginError(what, where=scan.case_id, hint=hint, code="UB403")
    bad = int((~np.isfinite(values[..., scan.brain_mask])).sum())
    if bad:
        what = f"{called} has {bad} values that are NaN or infinite in the brain"
        raise PluginError(what, where=scan.case_id, code="UB404")
    values[..., ~scan.brain_mask] = 0.0
    return replace(part, values=values)


def _array(values: Any, called: str, scan: Scan) -> FloatArray:
    """A float32 copy of an array or tensor: the method may go on using its own."""
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu().float().numpy()
        return np.array(values, dtype=np.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        what = f"{called} is {type(values).__name__}, not a volume"
        raise PluginError(what, where=scan.case_id, code="UB403") from error
