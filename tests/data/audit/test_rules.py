from tests.helpers.audited_cases import CLEAN, audited
from uad_bench.data.audit.roles import audit_roles
from uad_bench.data.audit.rules import as_lines


def test_every_rule_has_one_line_with_its_state():
    lines = as_lines(audit_roles([*CLEAN, audited("c", "train"), audited("b", "train")]))
    assert [line.split()[0] for line in lines] == [f"L{i}" for i in range(1, 15)]
    assert lines[0].split()[1] == "error" and "(and 1 more)" in lines[0]
    assert lines[1].split()[1] == "ok" and "unchecked" in lines[2] and "by design" in lines[8]
    assert "1 test case" in lines[13]
    assert all("unchecked" in line or "by " in line or "declared" in line for line in as_lines([]))
