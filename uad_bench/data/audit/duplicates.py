"""Rules L3 and L4: one scan under two ids, found by equal voxels or by near-equal thumbnails."""

from collections import defaultdict
from collections.abc import Sequence

from uad_bench.data.audit.findings import ROLES, AuditedCase, Finding, Severity, count
from uad_bench.data.audit.near_duplicates import MAX_CORRELATION, near_duplicates


def audit_voxels(cases: Sequence[AuditedCase]) -> list[Finding]:
    """The findings under L3 (equal voxels under two ids) and L4 (near duplicates of two subjects).

    An error where the two are in different roles, else a warning. Cases without voxels or thumbnail are skipped.
    """
    return [*_equal_voxels([one for one in cases if one.voxels]), *_near_duplicates(cases)]


def _equal_voxels(cases: Sequence[AuditedCase]) -> list[Finding]:
    """One image is enough: a patient whose T2 alone was copied under another id is in two roles as well."""
    groups: dict[str, list[AuditedCase]] = defaultdict(list)
    for one in cases:
        for image in one.voxels:
            groups[image].append(one)
    findings = [
        _duplicates("L3", "the same voxels under two ids", group)
        for group in {tuple(group): group for group in groups.values()}.values()
        if len({one.name for one in group}) > 1
    ]
    findings.sort(key=lambda finding: finding.cases)
    names = {one.name for one in cases}
    what = f"{count(names, 'case')}, all with different voxels"
    return findings or ([Finding("L3", "note", what)] if names else [])


def _near_duplicates(cases: Sequence[AuditedCase]) -> list[Finding]:
    pictured = [one for one in cases if one.thumbnail is not None]
    findings = []
    for i, j, correlation in near_duplicates(
        [one.thumbnail for one in pictured if one.thumbnail is not None]
    ):
        pair = pictured[i], pictured[j]
        found_by_l3 = pair[0].voxels & pair[1].voxels
        if pair[0].subject != pair[1].subject and not found_by_l3:
            what = f"two subjects are near duplicates (correlation {correlation:.5f})"
            findings.append(_duplicates("L4", what, pair))
    number = count({one.name for one in pictured}, "case")
    what = f"{number}, no two subjects with a correlation above {MAX_CORRELATION}"
    return findings or ([Finding("L4", "note", what)] if pictured else [])


def _duplicates(rule: str, what: str, group: Sequence[AuditedCase]) -> Finding:
    roles = sorted({one.role for one in group}, key=ROLES.index)
    severity: Severity = "error" if len(roles) > 1 else "warning"
    names = tuple(sorted({one.name for one in group}))
    return Finding(rule, severity, f"{what}, in {' and '.join(roles)}", names)
