"""The audit of a finished run, from the tables that it left: who was there, and what was learnt from whom."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from uad_bench.data.audit import audit_fitted, audit_roles, audit_voxels
from uad_bench.data.audit.findings import Finding, FittedObject, Seen


def audit_recorded(
    splits: Iterable[Mapping[str, str]],
    thresholds: Iterable[Mapping[str, str]],
    fitted: Iterable[Mapping[str, Any]] = (),
    before: Iterable[Mapping[str, Any]] = (),
) -> list[Finding]:
    """All findings on a run, from the rows of its splits.csv and thresholds.csv and its JSON files.

    `fitted`: {"step": name, "saw": [dataset/case_id, ...]} for each preparation step that learnt something;
    `before`: the fields of each finding at the time of the run, of which errors and near duplicates (L4) are
    taken over: the run saw roles, voxels and thumbnails that it does not keep.
    """
    alike = [
        Finding(one["rule"], one["severity"], one["what"], tuple(one["cases"]))
        for one in before
        if one["rule"] == "L4" or one["severity"] == "error"
    ]
    seen = [_case(row) for row in splits]
    objects = [*_thresholds(thresholds), *(FittedObject(o["step"], "landmarks", o["saw"]) for o in fitted)]
    found = [*audit_roles(seen), *audit_voxels(seen), *audit_fitted(objects, seen)]
    return [*found, *(one for one in alike if one not in found)]


def _case(row: Mapping[str, str]) -> Seen:
    # `content` covers the masks too: equal contents are equal voxels, not the other way round.
    return Seen(
        row["dataset"],
        row["case_id"],
        row["subject_id"],
        row["role"],
        row["healthy"] == "True",
        row["content"],
    )


def _thresholds(rows: Iterable[Mapping[str, str]]) -> Sequence[FittedObject]:
    """The thresholds that saw any case; a rule without cases gave no threshold."""
    return [
        FittedObject(
            f"{r['rule']} of {r['dataset']}", "threshold", (), r["ids_sha256"], r["oracle"] == "True"
        )
        for r in rows
        if int(r["n_cases"])
    ]
