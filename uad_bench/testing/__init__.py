"""For authors of plug-ins: the promises that a method or a dataset makes, tried out, and toy scans to try on."""

from uad_bench.testing.candidate import DatasetCandidate, MethodCandidate, NotChecked
from uad_bench.testing.dataset_checks import DATASET_CHECKS
from uad_bench.testing.method_checks import METHOD_CHECKS
from uad_bench.testing.report import (
    CheckResult,
    Promise,
    check_dataset,
    check_method,
    parametrize_with_checks,
    promises,
    run_checks,
)
from uad_bench.testing.toy import toy_scans

__all__ = [
    "DATASET_CHECKS",
    "METHOD_CHECKS",
    "CheckResult",
    "DatasetCandidate",
    "MethodCandidate",
    "NotChecked",
    "Promise",
    "check_dataset",
    "check_method",
    "parametrize_with_checks",
    "promises",
    "run_checks",
    "toy_scans",
]
