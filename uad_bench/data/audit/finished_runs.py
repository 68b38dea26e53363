"""The audit of a finished run, from the tables in its folder: its cases with their roles, and its fitted objects."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from uad_bench.data.audit.duplicates import audit_voxels
from uad_bench.data.audit.findings import AuditedCase, Finding, FittedObject
from uad_bench.data.audit.fitted_objects import audit_fitted
from uad_bench.data.audit.roles import audit_roles


def audit_finished_run(
    splits: Iterable[Mapping[str, str]],
    thresholds: Iterable[Mapping[str, str]],
    fitted: Iterable[Mapping[str, Any]] = (),
    earlier: Iterable[Mapping[str, Any]] = (),
) -> list[Finding]:
    """All findings on a run, from the rows of its splits.csv and thresholds.csv and its JSON files.

    fitted: {"step": name, "saw": [dataset/case_id, ...]} for each preparation step with fitted parameters;
    earlier: the fields of each finding at the time of the run. Of these, errors, near duplicates (L4) and people of
    two datasets (L6) are kept: the run had roles, voxels, thumbnails and adapters that it did not store.
    """
    kept = [
        Finding(one["rule"], one["severity"], one["what"], tuple(one["cases"]))
        for one in earlier
        if one["rule"] in {"L4", "L6"} or one["severity"] == "error"
    ]
    cases = [_case(row) for row in splits]
    objects = [*_thresholds(thresholds), *(FittedObject(o["step"], "landmarks", o["saw"]) for o in fitted)]
    found = [*audit_roles(cases), *audit_voxels(cases), *audit_fitted(objects, cases)]
    return [*found, *(one for one in kept if one not in found)]


def _case(row: Mapping[str, str]) -> AuditedCase:
    # `content` includes the masks: equal contents imply equal voxels, not the reverse.
    return AuditedCase(
        row["dataset"],
        row["case_id"],
        row["subject_id"],
        row["role"],
        row["healthy"] == "True",
        frozenset({row["content"]}),
    )


def _thresholds(rows: Iterable[Mapping[str, str]]) -> Sequence[FittedObject]:
    """The thresholds that were set on cases; a rule without cases gave no threshold."""
    return [
        FittedObject(
            f"{r['rule']} of {r['dataset']}", "threshold", (), r["ids_sha256"], r["oracle"] == "True"
        )
        for r in rows
        if int(r["n_cases"])
    ]
