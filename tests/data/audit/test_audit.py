import numpy as np
import pytest

from uad_bench.data.audit import (
    Finding,
    FittedObject,
    Seen,
    as_lines,
    audit_fitted,
    audit_roles,
    audit_voxels,
    blocking,
)
from uad_bench.data.published_splits import read_table
from uad_bench.data.splits import ids_hash

SHARED_WITH_TEST = ["219 237 447 493 499 512 531 549 552"] * 3 + [
    "219 237 447 512 531 549 552",
    "219 237 447 493 499 512 531 552",
]


def seen(case_id: str, role: str, subject: str = "", dataset: str = "toy", **more) -> Seen:
    return Seen(dataset, case_id, subject or case_id, role, **{"healthy": True} | more)


CLEAN = [seen("a", "train"), seen("b", "val"), seen("c", "test"), seen("d", "tune", healthy=False)]


def of(rule: str, findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.rule == rule]


def test_clean_roles_give_notes_alone():
    findings = audit_roles(CLEAN)
    assert {finding.severity for finding in findings} == {"note"} and not blocking(findings)
    assert {finding.rule for finding in findings} == {"L1", "L2", "L5", "L10", "L14"}


def test_l1_names_the_subjects_of_every_pair_of_roles_sorted():
    leaky = [
        seen("z", "train"),
        seen("z", "test"),
        seen("b", "test"),
        seen("a", "val"),
        seen("a", "test"),
        *CLEAN,
    ]
    found = of("L1", audit_roles(leaky))
    assert [(f.severity, f.cases) for f in found] == [
        ("error", ("a",)), ("error", ("a", "z")), ("error", ("a", "b")),
    ]  # fmt: skip
    assert [f.what for f in found] == [
        "toy: train and val share 1 subject",
        "toy: train and test share 2 subjects",
        "toy: val and test share 2 subjects",
    ]


def test_l1_an_id_that_two_datasets_use_is_no_leak():
    assert not blocking(audit_roles([seen("01", "train"), seen("01", "test", dataset="other")]))


def test_l2_a_repeated_row_is_a_warning_and_counts_once_in_l14():
    findings = audit_roles([*CLEAN, seen("c", "test"), seen("a", "train")])
    assert [(f.severity, f.cases) for f in of("L2", findings)] == [("warning", ("a",)), ("warning", ("c",))]
    assert of("L14", findings)[0].what == f"toy: 1 test case, ids {ids_hash(['c'])[:12]}"
    assert not blocking(findings)


def test_l5_names_the_sessions_of_a_torn_subject():
    torn = [seen("s1-a", "train", "s1"), seen("s1-b", "test", "s1"), seen("s2-a", "test", "s2")]
    (found,) = of("L5", audit_roles(torn))
    assert (found.severity, found.cases) == ("error", ("s1-a", "s1-b"))
    assert of("L1", audit_roles(torn))[0].cases == ("s1",)
    together = [seen("s1-a", "train", "s1"), seen("s1-b", "train", "s1")]
    assert not blocking(audit_roles(together)) and "1 subject with" in of("L5", audit_roles(together))[0].what


def test_l6_declared_pairs_across_datasets():
    both = [seen("a", "train"), seen("x", "test", dataset="other")]
    pair = (("toy", "a"), ("other", "x"))
    (found,) = of("L6", audit_roles(both, [pair]))
    assert (found.severity, found.cases) == ("error", ("toy/a", "other/x"))
    (held,) = of("L6", audit_roles(both, [(("toy", "a"), ("other", "y"))]))
    assert held.severity == "note"
    assert not of("L6", audit_roles(both))


def test_l10_lesions_in_training_are_an_error_and_unknown_health_is_no_claim():
    ill = [seen("a", "train", healthy=False), seen("b", "val"), seen("c", "test", healthy=False)]
    (found,) = of("L10", audit_roles(ill))
    assert (found.severity, found.cases) == ("error", ("a",))
    assert not of("L10", audit_roles([seen("a", "train", healthy=None)]))


def test_l3_equal_voxels_are_an_error_across_roles_and_a_warning_inside():
    across = [seen("a", "train", voxels="7"), seen("b", "test", voxels="7"), seen("c", "test", voxels="8")]
    (found,) = audit_voxels(across)
    assert (found.rule, found.severity, found.cases) == ("L3", "error", ("toy/a", "toy/b"))
    inside = [seen("a", "train", voxels="7"), seen("b", "train", voxels="7")]
    assert [f.severity for f in audit_voxels(inside)] == ["warning"]


def test_l3_one_case_in_two_roles_is_not_two_ids():
    twice = [seen("a", "train", voxels="7"), seen("a", "test", voxels="7")]
    assert [f.severity for f in audit_voxels(twice)] == ["note"]
    assert audit_voxels(CLEAN) == []


def pictures(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).random((count, 16, 16, 16), dtype=np.float32))


def test_l4_near_duplicates_of_different_subjects():
    one, other = pictures(2)
    like = [
        seen("a", "train", thumbnail=one), seen("b", "test", thumbnail=2 * one + 1),
        seen("c", "test", thumbnail=other),
    ]  # fmt: skip
    (found,) = audit_voxels(like)
    assert (found.rule, found.severity, found.cases) == ("L4", "error", ("toy/a", "toy/b"))
    assert [f.severity for f in audit_voxels(like[1:])] == ["note"]


def test_l4_sessions_of_a_subject_may_look_alike_and_equal_voxels_are_told_once():
    (one,) = pictures(1)
    sessions = [seen("s-a", "train", "s", thumbnail=one), seen("s-b", "train", "s", thumbnail=one)]
    assert [f.severity for f in audit_voxels(sessions)] == ["note"]
    equal = [seen("a", "train", voxels="7", thumbnail=one), seen("b", "test", voxels="7", thumbnail=one)]
    assert [(f.rule, f.severity) for f in audit_voxels(equal)] == [("L3", "error"), ("L4", "note")]


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
def test_l7_l8_what_was_learnt_remembers_whom_it_saw(kind, saw, expected):
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
def test_f95_an_object_that_kept_only_a_hash_is_held_against_every_role(kind, ids, severity):
    (found,) = audit_fitted([FittedObject("x", kind, (), ids_hash(ids))], CLEAN)
    assert found.severity == severity


def test_oracles_pass_and_objects_of_unknown_origin_are_told():
    oracle = FittedObject("oracle_set", "threshold", ("toy/c",), oracle=True)
    assert audit_fitted([oracle], CLEAN) == []
    (found,) = audit_fitted([FittedObject("shipped", "landmarks")], CLEAN)
    assert found.severity == "warning" and "does not say" in found.what


def test_every_rule_has_one_line_with_its_state():
    lines = as_lines(audit_roles([*CLEAN, seen("c", "train"), seen("b", "train")]))
    assert [line.split()[0] for line in lines] == [f"L{i}" for i in range(1, 15)]
    assert lines[0].split()[1] == "error" and "(and 1 more)" in lines[0]
    assert lines[1].split()[1] == "ok" and "not seen" in lines[2] and "by design" in lines[8]
    assert "1 test case" in lines[13]
    assert all("not seen" in line or "by " in line or "on trust" in line for line in as_lines([]))


def test_f30_the_published_table_leaks_exactly_the_known_subjects(shared_data):
    """Issue 3, item 6: 9, 9, 9, 7, 8 of train in test; 0, 0, 2, 3, 3 in val; 0, 0, 0, 2, 1 of val in test."""
    table = read_table(shared_data / "legacy_splits" / "legacy_splits.csv")
    subjects = table.subjects("ixi")
    shares = []
    for fold in range(5):
        rows = [seen(name, role, subjects[name]) for name, role, _ in table.rows("ixi", fold)]
        found = {f.what.partition(" share")[0]: f.cases for f in of("L1", audit_roles(rows))}
        assert list(found["toy: train and test"]) == [f"IXI{n}" for n in SHARED_WITH_TEST[fold].split()]
        shares.append(
            [
                len(found.get(f"toy: {pair}", ()))
                for pair in ("train and test", "train and val", "val and test")
            ]
        )
    assert shares == [[9, 0, 0], [9, 0, 0], [9, 2, 0], [7, 3, 2], [8, 3, 1]]
