from uad_bench.data.audit.findings import blocking
from uad_bench.data.audit.finished_runs import audit_finished_run
from uad_bench.data.splits import ids_hash

ROLES = {"h1": "train", "h2": "val", "h3": "test", "p1": "tune", "p2": "test"}
SPLITS = [
    {"dataset": "toy", "case_id": name, "subject_id": name, "role": role, "content": name}
    | {"healthy": str(name[0] == "h")}
    for name, role in ROLES.items()
]


def threshold(rule: str, *names: str, oracle: bool = False) -> dict[str, str]:
    ids = [f"toy/{name}" for name in names]
    return {
        "dataset": "toy",
        "rule": rule,
        "n_cases": str(len(ids)),
        "ids_sha256": ids_hash(ids),
        "oracle": str(oracle),
    }


GOOD = [threshold("healthy_q98", "h2"), threshold("tune", "p1"), threshold("oracle_set", "p2", oracle=True)]


def test_a_sound_run_has_no_leak_and_notes_on_its_thresholds():
    findings = audit_finished_run(
        SPLITS, [*GOOD, threshold("oracle_case")], [{"step": "histogram", "saw": ["toy/h1"]}]
    )
    assert not blocking(findings)
    assert [f.severity for f in findings if f.rule in {"L7", "L8"}] == ["note"] * 3


def test_f95_a_threshold_of_test_or_foreign_cases_is_a_leak():
    for names in (["p2"], ["h3", "p2"], ["zz"]):
        (leak,) = blocking(audit_finished_run(SPLITS, [threshold("tune", *names)]))
        assert leak.rule == "L7"


def test_landmarks_fitted_on_a_test_case_and_equal_contents_across_roles():
    (leak,) = blocking(audit_finished_run(SPLITS, GOOD, [{"step": "histogram", "saw": ["toy/h1", "toy/h3"]}]))
    assert (leak.rule, leak.cases) == ("L8", ("toy/h3",))
    same = [row | {"content": "equal"} if row["case_id"] in {"h1", "h3"} else row for row in SPLITS]
    assert [leak.rule for leak in blocking(audit_finished_run(same, GOOD))] == ["L3"]


def test_findings_of_the_run_are_kept():
    before = [
        {"rule": "L4", "severity": "error", "what": "two subjects are near duplicates", "cases": ["toy/h1", "toy/h3"]},
        {"rule": "L1", "severity": "error", "what": "what the split list no longer shows", "cases": []},
    ]  # fmt: skip
    leaks = blocking(audit_finished_run(SPLITS, GOOD, (), before))
    assert [(leak.rule, leak.cases) for leak in leaks] == [("L4", ("toy/h1", "toy/h3")), ("L1", ())]
