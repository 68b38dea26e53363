"""The promises of a method, one check each. A check raises an error that names the usual fix."""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from itertools import chain
from typing import Any

import numpy as np

from uad_bench.config import checked_parameters
from uad_bench.method.base import hyper_parameters
from uad_bench.method.context import Context
from uad_bench.testing.candidate import MethodCandidate, NotChecked, broken
from uad_bench.testing.component_checks import check_components
from uad_bench.testing.repeat_checks import (
    check_deterministic_is_true,
    check_fit_needs_only_scans,
    check_order_does_not_matter,
    check_process_stays_untouched,
    check_resume,
    check_same_seed_same_bits,
    check_save_and_load,
)
from uad_bench.testing.set_checks import check_set_order_does_not_matter, check_sets_are_streamed, check_track
from uad_bench.testing.toy import toy_scans
from uad_bench.types import Scan

QUICK_S = 60.0  # generous, for busy machines


def check_parameters_are_fields(candidate: MethodCandidate) -> None:
    """Parameters are dataclass fields with defaults; `tiny` and the variants use their names."""
    name, cls = candidate.name, candidate.cls
    if not is_dataclass(cls):
        raise broken(name, "a dataclass", "a plain class", "write @dataclass above the class")
    without = [f.name for f in fields(cls) if without_default(f) or not f.init]
    if without:
        fix = "give every field a default; learnt state is no field and ends in '_'"
        raise broken(name, "fields that all have defaults", f"none for {', '.join(without)}", fix)
    for label, values in {"tiny": cls.tiny, **cls.variants}.items():
        checked_parameters(cls, values, f"{name}, {label}")
    empty = [label for label, values in cls.variants.items() if label and not values]
    if empty:
        fix = "leave it out: its parameters are those of the plain name"
        raise broken(name, "variants that set a parameter", f"none set by {', '.join(empty)}", fix)


def without_default(field: "Field[Any]") -> bool:
    """Whether a dataclass field must be given."""
    return field.default is MISSING and field.default_factory is MISSING


def check_parameters_stay_untouched(candidate: MethodCandidate) -> None:
    """Neither the constructor nor `fit` changes the parameters."""
    given = hyper_parameters(candidate.new())
    stored = {key: given[key] for key in candidate.parameters}
    if stored != dict(candidate.parameters):
        fix = "store parameters unchanged; compute derived values in fit"
        raise broken(candidate.name, f"the parameters {dict(candidate.parameters)}", f"{stored}", fix)
    _ = candidate.reference
    after = hyper_parameters(candidate.first_fit[0])
    changed = [key for key in given if given[key] != after[key]]
    if changed:
        fix = "store what fit learns in attributes that end in '_'"
        raise broken(candidate.name, "unchanged parameters", f"fit changed {', '.join(changed)}", fix)


def check_scans_stay_untouched(candidate: MethodCandidate) -> None:
    """Neither `fit` nor `score` writes into a scan."""
    scans = train, val = _train_and_val(candidate)
    fix = "work on a copy, scan.image.copy()"
    try:
        candidate.fit(train=train, val=val).score(train[0], Context())
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise broken(candidate.name, "scans that are only read", str(error), fix) from error
    for now, before in zip(chain(*scans), chain(*_train_and_val(candidate)), strict=True):
        if not (
            np.array_equal(now.image, before.image) and np.array_equal(now.brain_mask, before.brain_mask)
        ):
            raise broken(candidate.name, "scans that are only read", f"{now.case_id} changed", fix)


def _train_and_val(candidate: MethodCandidate) -> tuple[list[Scan], list[Scan]]:
    train, val = (toy_scans(n, candidate.modalities, prefix=role) for n, role in ((4, "train"), (2, "val")))
    return train, val


def check_map(candidate: MethodCandidate) -> None:
    """`score` returns a map (X, Y, Z) that is finite in the brain, also for scans with empty slices."""
    _ = candidate.first_map


def check_modalities(candidate: MethodCandidate) -> None:
    """The method accepts two modalities at once, unless it declares a single one."""
    two = (candidate.cls.modalities or ("t2", "t1"))[:2]
    if len(two) < 2:
        raise NotChecked(f"the method accepts {two[0]} only")
    _, scan = candidate.reference, toy_scans(1, two, prefix="fresh")[0]
    try:
        candidate.map(candidate.fit(modalities=two), scan)
    except Exception as error:
        fix = "read the channels from scan.modalities, or declare the `modalities` it can take"
        raise broken(candidate.name, f"a map from {' and '.join(two)}", f"{error}", fix) from error


def check_tiny_is_quick(candidate: MethodCandidate) -> None:
    """A fit with the parameters of `tiny` takes seconds."""
    _, seconds = candidate.reference, candidate.first_fit[1]
    if seconds > QUICK_S:
        fix = "put smaller parameters into the class attribute `tiny`"
        raise broken(candidate.name, f"a fit within {QUICK_S:.0f} s", f"{seconds:.0f} s", fix)


METHOD_CHECKS: tuple[Callable[[MethodCandidate], None], ...] = (
    check_parameters_are_fields,
    check_parameters_stay_untouched,
    check_scans_stay_untouched,
    check_fit_needs_only_scans,
    check_map,
    check_same_seed_same_bits,
    check_deterministic_is_true,
    check_order_does_not_matter,
    check_save_and_load,
    check_modalities,
    check_process_stays_untouched,
    check_tiny_is_quick,
    check_resume,
    check_components,
    check_track,
    check_set_order_does_not_matter,
    check_sets_are_streamed,
)
