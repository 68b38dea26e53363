"""The leak audit: a subject in two roles, one scan under two ids, a threshold set on test cases ...

`rules` lists the fourteen rules. Functions take what is known of the cases and return findings; no file is read here.
"""

from uad_bench.data.audit.duplicates import audit_voxels
from uad_bench.data.audit.findings import AuditedCase, Finding, FittedObject, blocking
from uad_bench.data.audit.fitted_objects import audit_fitted
from uad_bench.data.audit.roles import audit_roles
from uad_bench.data.audit.rules import as_lines

__all__ = [
    "AuditedCase",
    "Finding",
    "FittedObject",
    "as_lines",
    "audit_fitted",
    "audit_roles",
    "audit_voxels",
    "blocking",
]
