"""Rules L3 and L4."""

import numpy as np

from tests.helpers.audited_cases import CLEAN, audited
from uad_bench.data.audit.duplicates import audit_voxels


def test_l3_equal_voxels_are_an_error_across_roles_and_a_warning_inside():
    across = [
        audited("a", "train", voxels=frozenset("7")),
        audited("b", "test", voxels=frozenset("7")),
        audited("c", "test", voxels=frozenset("8")),
    ]
    (found,) = audit_voxels(across)
    assert (found.rule, found.severity, found.cases) == ("L3", "error", ("toy/a", "toy/b"))
    inside = [audited("a", "train", voxels=frozenset("7")), audited("b", "train", voxels=frozenset("7"))]
    assert [f.severity for f in audit_voxels(inside)] == ["warning"]


def test_l3_one_equal_image_of_several_is_enough():
    """A T2 that was copied under another id, beside another FLAIR; the pair is one finding for all its equal images."""
    cases = [
        audited("a", "train", voxels=frozenset("123")),
        audited("b", "test", voxels=frozenset("145")),
        audited("c", "val", voxels=frozenset("67")),
        audited("d", "val", voxels=frozenset("678")),
    ]
    found = [(one.rule, one.severity, one.cases) for one in audit_voxels(cases)]
    assert found == [("L3", "error", ("toy/a", "toy/b")), ("L3", "warning", ("toy/c", "toy/d"))]


def test_l3_one_case_in_two_roles_is_not_two_ids():
    twice = [audited("a", "train", voxels=frozenset("7")), audited("a", "test", voxels=frozenset("7"))]
    assert [f.severity for f in audit_voxels(twice)] == ["note"]
    assert audit_voxels(CLEAN) == []


def pictures(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).random((count, 16, 16, 16), dtype=np.float32))


def test_l4_near_duplicates_of_different_subjects():
    one, other = pictures(2)
    like = [
        audited("a", "train", thumbnail=one), audited("b", "test", thumbnail=2 * one + 1),
        audited("c", "test", thumbnail=other),
    ]  # fmt: skip
    (found,) = audit_voxels(like)
    assert (found.rule, found.severity, found.cases) == ("L4", "error", ("toy/a", "toy/b"))
    assert [f.severity for f in audit_voxels(like[1:])] == ["note"]


def test_l4_ignores_sessions_of_a_subject_and_voxels_reported_by_l3():
    (one,) = pictures(1)
    sessions = [audited("s-a", "train", "s", thumbnail=one), audited("s-b", "train", "s", thumbnail=one)]
    assert [f.severity for f in audit_voxels(sessions)] == ["note"]
    equal = [
        audited("a", "train", voxels=frozenset("7"), thumbnail=one),
        audited("b", "test", voxels=frozenset("7"), thumbnail=one),
    ]
    assert [(f.rule, f.severity) for f in audit_voxels(equal)] == [("L3", "error"), ("L4", "note")]
