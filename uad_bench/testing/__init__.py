"""Conformance checks for authors of plug-ins: methods, datasets, metrics and preparation steps.

`check_method`, `check_dataset`, `check_metric` and `check_step` return the outcome of every check;
`parametrize_with_checks` makes pytest tests of them. `toy_scans` gives small healthy scans for tests of your own.
"""

from uad_bench.testing.candidate import DatasetCandidate, MethodCandidate, NotChecked
from uad_bench.testing.dataset_checks import DATASET_CHECKS
from uad_bench.testing.method_checks import METHOD_CHECKS
from uad_bench.testing.metric_candidate import MetricCandidate
from uad_bench.testing.metric_checks import METRIC_CHECKS
from uad_bench.testing.report import (
    CheckResult,
    Promise,
    check_dataset,
    check_method,
    check_metric,
    check_step,
    parametrize_with_checks,
    promises,
    run_checks,
)
from uad_bench.testing.step_candidate import StepCandidate
from uad_bench.testing.step_checks import STEP_CHECKS
from uad_bench.testing.toy import toy_scans
from uad_bench.testing.toy_cases import toy_scored, toy_volumes

__all__ = [
    "DATASET_CHECKS",
    "METHOD_CHECKS",
    "METRIC_CHECKS",
    "STEP_CHECKS",
    "CheckResult",
    "DatasetCandidate",
    "MethodCandidate",
    "MetricCandidate",
    "NotChecked",
    "Promise",
    "StepCandidate",
    "check_dataset",
    "check_method",
    "check_metric",
    "check_step",
    "parametrize_with_checks",
    "promises",
    "run_checks",
    "toy_scans",
    "toy_scored",
    "toy_volumes",
]
