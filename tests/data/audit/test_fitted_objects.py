"""Rules L7 and L8."""

import pytest

from tests.helpers.audited_cases import CLEAN
from uad_bench.data.audit.findings import FittedObject
from uad_bench.data.audit.fitted_objects import audit_fitted
from uad_bench.data.splits import ids_hash


@pytest.mark.parametrize(
    ("kind", "saw", "expected"),
    [
        ("landmarks", ("toy/a",), ("L8", "note")),
        ("landmarks", ("a", "c"), ("L8", "error")),
        ("landmarks", ("toy/a", "toy/c"), ("L8", "error")),
        ("template", ("toy/a", "toy/b"), ("L8", "warning")),
        ("threshold", ("toy/b",), ("L7", "note")),
        ("threshold", ("toy/b", "toy/c"), ("L7", "error")),
        ("threshold", ("toy/d",), ("L7", "note")),
        ("landmarks", ("other/c",), ("L8", "warning")),
    ],
)
def test_l7_l8_fitted_objects_must_not_include_test_cases(kind, saw, expected):
    (found,) = audit_fitted([FittedObject("x", kind, saw)], CLEAN)
    assert (found.rule, found.severity) == expected
    if found.severity == "error":
        assert found.cases == saw[1:]


@pytest.mark.parametrize(
    ("kind", "ids", "severity"),
    [
        ("threshold", ["toy/b"], "note"), ("threshold", ["toy/c"], "error"), ("threshold", ["toy/zz"], "error"),
        ("landmarks", ["a"], "note"), ("landmarks", ["c"], "error"), ("landmarks", ["zz"], "warning"),
        ("landmarks", ["toy/b"], "warning"),
    ],
)  # fmt: skip
def test_f95_the_hash_of_ids_is_compared_with_every_role(kind, ids, severity):
    (found,) = audit_fitted([FittedObject("x", kind, (), ids_hash(ids))], CLEAN)
    assert found.severity == severity


def test_oracles_pass_and_objects_of_unknown_origin_are_reported():
    oracle = FittedObject("oracle_set", "threshold", ("toy/c",), oracle=True)
    assert audit_fitted([oracle], CLEAN) == []
    (found,) = audit_fitted([FittedObject("shipped", "landmarks")], CLEAN)
    assert found.severity == "warning" and "not recorded" in found.what
