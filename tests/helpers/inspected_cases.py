"""Shapes, findings and damage for tests of `data check`."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from uad_bench.data.inspect.case import DEFAULT_CHECKS, Checks, inspect_case
from uad_bench.data.inspect.findings import Finding
from uad_bench.types import Case

SHAPE = (20, 22, 18)
IDENTITY = np.eye(4)
WIDE = np.diag([6.0, 6.0, 6.0, 1.0])  # the ball has 310 ml


def ball(radius: float = 7.0, centre: tuple[int, int, int] = (10, 11, 9)) -> np.ndarray:
    """A ball, bool (X, Y, Z)."""
    places = np.indices(SHAPE).reshape(3, *SHAPE)
    return ((places - np.reshape(centre, (3, 1, 1, 1))) ** 2).sum(0) <= radius**2


def only(case: Case, checks: Checks = DEFAULT_CHECKS) -> Finding:
    """The single finding of a case."""
    (finding,) = inspect_case(case, checks).findings
    assert case.case_id in finding.text and "\n" not in finding.text
    return finding


def overwrite(path: Path, content: bytes) -> None:
    """Replace the content of a file."""
    path.write_bytes(content)


def truncate(path: Path) -> None:
    """Remove the last 20 bytes of a file."""
    path.write_bytes(path.read_bytes()[:-20])


def broken_set(make, affine=IDENTITY):
    """Six cases, of which four have one error each; `make` is the fixture."""
    cases = [make(f"c{i}", affine=affine) for i in range(6)]
    truncate(cases[1].images["t2"])
    overwrite(cases[2].lesion_mask, b"")
    constant = make("c3", image=np.ones(SHAPE), affine=affine)
    return [*cases[:3], constant, replace(cases[4], lesion_mask=None), cases[5]]
