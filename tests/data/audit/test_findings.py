from tests.helpers.audited_cases import audited
from uad_bench.data.audit.findings import Finding, blocking


def test_only_errors_block_a_run():
    findings = [Finding("L1", "note", "a"), Finding("L2", "warning", "b"), Finding("L3", "error", "c")]
    assert [finding.rule for finding in blocking(findings)] == ["L3"]


def test_cases_and_subjects_are_identified_within_their_dataset():
    one, other = audited("a", "train", subject="s"), audited("a", "test", subject="s", dataset="other")
    assert (one.name, other.name) == ("toy/a", "other/a")
    assert one.subject != other.subject
