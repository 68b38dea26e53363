"""Rules L1, L2, L5, L6, L10 and L14."""

from tests.helpers.audited_cases import CLEAN, audited, of
from uad_bench.data.audit.findings import blocking
from uad_bench.data.audit.roles import audit_roles
from uad_bench.data.published_splits import read_table
from uad_bench.data.splits import ids_hash

SHARED_WITH_TEST = ["219 237 447 493 499 512 531 549 552"] * 3 + [
    "219 237 447 512 531 549 552",
    "219 237 447 493 499 512 531 552",
]


def test_clean_roles_give_notes_alone():
    findings = audit_roles(CLEAN)
    assert {finding.severity for finding in findings} == {"note"} and not blocking(findings)
    assert {finding.rule for finding in findings} == {"L1", "L2", "L5", "L10", "L14"}


def test_l1_names_the_subjects_of_every_pair_of_roles_sorted():
    leaky = [
        audited("z", "train"),
        audited("z", "test"),
        audited("b", "test"),
        audited("a", "val"),
        audited("a", "test"),
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
    assert not blocking(audit_roles([audited("01", "train"), audited("01", "test", dataset="other")]))


def test_l2_a_repeated_row_is_a_warning_and_counts_once_in_l14():
    findings = audit_roles([*CLEAN, audited("c", "test"), audited("a", "train")])
    assert [(f.severity, f.cases) for f in of("L2", findings)] == [("warning", ("a",)), ("warning", ("c",))]
    assert of("L14", findings)[0].what == f"toy: 1 test case, ids {ids_hash(['c'])[:12]}"
    assert not blocking(findings)


def test_l5_names_the_sessions_of_a_torn_subject():
    torn = [audited("s1-a", "train", "s1"), audited("s1-b", "test", "s1"), audited("s2-a", "test", "s2")]
    (found,) = of("L5", audit_roles(torn))
    assert (found.severity, found.cases) == ("error", ("s1-a", "s1-b"))
    assert of("L1", audit_roles(torn))[0].cases == ("s1",)
    together = [audited("s1-a", "train", "s1"), audited("s1-b", "train", "s1")]
    assert not blocking(audit_roles(together)) and "1 subject with" in of("L5", audit_roles(together))[0].what


def test_l6_declared_pairs_across_datasets():
    both = [audited("a", "train"), audited("x", "test", dataset="other")]
    pair = (("toy", "a"), ("other", "x"))
    (found,) = of("L6", audit_roles(both, [pair]))
    assert (found.severity, found.cases) == ("error", ("toy/a", "other/x"))
    assert not of("L6", audit_roles(both))


def test_l6_people_in_the_tests_of_two_datasets_are_one_error_for_all_of_them():
    both = [audited(f"{n}", "test", dataset=dataset) for dataset in ("toy", "other") for n in range(3)]
    pairs = [(("toy", f"{n}"), ("other", f"{n}")) for n in range(3)]
    (found,) = of("L6", audit_roles(both, pairs))
    assert found.severity == "error" and len(found.cases) == 6
    assert (
        found.what
        == "3 people are in both datasets, toy and other, in test, so that results on both are not independent"
    )


def test_l10_lesions_in_training_are_an_error_and_unknown_health_is_no_claim():
    ill = [audited("a", "train", healthy=False), audited("b", "val"), audited("c", "test", healthy=False)]
    (found,) = of("L10", audit_roles(ill))
    assert (found.severity, found.cases) == ("error", ("a",))
    assert not of("L10", audit_roles([audited("a", "train", healthy=None)]))


def test_f30_the_published_table_leaks_exactly_the_known_subjects(shared_data):
    """Issue 3, item 6: 9, 9, 9, 7, 8 of train in test; 0, 0, 2, 3, 3 in val; 0, 0, 0, 2, 1 of val in test."""
    table = read_table(shared_data / "legacy_splits" / "legacy_splits.csv")
    subjects = table.subjects("ixi")
    shares = []
    for fold in range(5):
        rows = [audited(name, role, subjects[name]) for name, role, _ in table.rows("ixi", fold)]
        found = {f.what.partition(" share")[0]: f.cases for f in of("L1", audit_roles(rows))}
        assert list(found["toy: train and test"]) == [f"IXI{n}" for n in SHARED_WITH_TEST[fold].split()]
        shares.append(
            [
                len(found.get(f"toy: {pair}", ()))
                for pair in ("train and test", "train and val", "val and test")
            ]
        )
    assert shares == [[9, 0, 0], [9, 0, 0], [9, 2, 0], [7, 3, 2], [8, 3, 1]]
