"""Rules L3 and L4: one scan under two names, told by its voxels or by its looks."""

from collections import defaultdict
from collections.abc import Sequence

from uad_bench.data.audit.findings import ROLES, Finding, Seen, Severity, count
from uad_bench.data.audit.near_duplicates import ALIKE, near_duplicates


def audit_voxels(seen: Sequence[Seen]) -> list[Finding]:
    """L3 and L4: equal voxels under two ids, and thumbnails of two subjects that are one picture.

    An error where the two are in different roles, else a warning. Cases without voxels or thumbnail are
    passed over.
    """
    return [*_equal_voxels([one for one in seen if one.voxels]), *_alike(seen)]


def _equal_voxels(seen: Sequence[Seen]) -> list[Finding]:
    groups: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        groups[one.voxels].append(one)
    findings = [
        _twins("L3", "the same voxels under two ids", group)
        for group in groups.values()
        if len({one.name for one in group}) > 1
    ]
    names = {one.name for one in seen}
    held = [Finding("L3", "note", f"{count(names, 'case')}, all of different voxels")] if names else []
    return findings or held


def _alike(seen: Sequence[Seen]) -> list[Finding]:
    pictured = [one for one in seen if one.thumbnail is not None]
    findings = []
    for i, j, alike in near_duplicates([one.thumbnail for one in pictured if one.thumbnail is not None]):
        pair = pictured[i], pictured[j]
        told_already = pair[0].voxels and pair[0].voxels == pair[1].voxels
        if pair[0].person != pair[1].person and not told_already:
            what = f"two subjects look like one (correlation {alike:.5f})"
            findings.append(_twins("L4", what, pair))
    what = f"{count({one.name for one in pictured}, 'case')}, no two subjects above {ALIKE}"
    return findings or ([Finding("L4", "note", what)] if pictured else [])


def _twins(rule: str, what: str, group: Sequence[Seen]) -> Finding:
    roles = sorted({one.role for one in group}, key=ROLES.index)
    severity: Severity = "error" if len(roles) > 1 else "warning"
    names = tuple(sorted({one.name for one in group}))
    return Finding(rule, severity, f"{what}, in {' and '.join(roles)}", names)
