"""Cases in roles for tests of the leak audit."""

from uad_bench.data.audit.findings import AuditedCase, Finding


def audited(case_id: str, role: str, subject: str = "", dataset: str = "toy", **more) -> AuditedCase:
    """One healthy case in a role; its subject is the case itself unless another is named."""
    return AuditedCase(dataset, case_id, subject or case_id, role, **{"healthy": True} | more)


#: One case in each role, without any leak.
CLEAN = [
    audited("a", "train"),
    audited("b", "val"),
    audited("c", "test"),
    audited("d", "tune", healthy=False),
]


def of(rule: str, findings: list[Finding]) -> list[Finding]:
    """The findings under one rule."""
    return [finding for finding in findings if finding.rule == rule]
