"""The components of a method: valid, repeatable, and without an effect on the map."""

import numpy as np

from uad_bench.method.base import Method
from uad_bench.method.context import Context
from uad_bench.method.explanation import checked_components
from uad_bench.testing.candidate import MethodCandidate, NotChecked, broken
from uad_bench.types import Component, Scan


def check_components(candidate: MethodCandidate) -> None:
    """`components` returns named volumes, finite in the brain, equal at each call, and does not change the map."""
    name = candidate.name
    if candidate.cls.components is Method.components:
        raise NotChecked("the method has no components")
    before, method, ctx = candidate.reference, candidate.first_fit[0], Context()
    first, second = candidate.fresh_scans()
    found = _components(candidate, method, first, Context())
    if not found:
        raise broken(name, "components by name", "none", "return some, or do not override `components`")
    _components(candidate, method, second, ctx)
    again = _components(candidate, method, first, ctx)
    same = found.keys() == again.keys() and all(
        np.array_equal(found[key].values, again[key].values) for key in found
    )
    if not same:
        fix = "store nothing from one scan for the next; draw from ctx.rng(scan.case_id)"
        raise broken(name, "the same components at each call", "others", fix)
    if not np.array_equal(before, candidate.map(method, first)):
        fix = "change no state in `components`"
        raise broken(name, "the same map after `components`", "another map", fix)


def _components(candidate: MethodCandidate, method: Method, scan: Scan, ctx: Context) -> dict[str, Component]:
    return checked_components(method.components(scan, ctx), scan, candidate.name)
