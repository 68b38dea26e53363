"""Small scored cases, a test set of them, and thresholds."""

import pytest

from tests.helpers.scored_cases import make_scored
from uad_bench.evaluate.thresholds import resolve

RULES = ("oracle_case", "oracle_set", "tune", "healthy_q98")


@pytest.fixture
def scored():
    """The maker of cases on a 6 x 6 x 6 grid."""
    return make_scored


@pytest.fixture
def cases(scored):
    """Two cases of kind "ms", one of kind "tumour", one of no kind, and two healthy scans."""
    kinds = {"a": "ms", "b": "ms", "c": "tumour", "d": ""}
    lesion = [scored(case_id, kind=kind) for case_id, kind in kinds.items()]
    return [*lesion, scored("h1", healthy=True), scored("h2", healthy=True)]


@pytest.fixture
def thresholds(scored, cases):
    """The thresholds of four rules for these cases."""
    validation = [scored(f"v{k}", healthy=True) for k in range(3)]
    return resolve(RULES, validation=validation, tune=[scored("t1"), scored("t2")], test=cases)
