"""False findings in healthy scans."""

import numpy as np
import pytest
from scipy import ndimage

from tests.helpers.masks import box, empty, view
from uad_bench.evaluate.metrics.healthy import FalsePositiveComponents, FalsePositiveVolume

BOTH = [FalsePositiveComponents(), FalsePositiveVolume()]


def test_components_and_millilitres():
    guess = np.random.default_rng(0).random((12, 11, 10)) < 0.02
    seen = view(guess, empty(), spacing=(1.0, 2.0, 3.0), healthy=True)
    assert FalsePositiveComponents().case(seen).value == ndimage.label(guess, np.ones((3, 3, 3)))[1]
    assert FalsePositiveVolume().case(seen).value == pytest.approx(guess.sum() * 6 / 1000)


@pytest.mark.parametrize("metric", BOTH)
def test_edge_cases(metric):
    assert metric.case(view(empty(), empty())).value == 0
    assert metric.case(view(~empty(), empty(), empty())).reason == "empty_brain"
    assert metric.case(view(~empty(), empty(), threshold=None)).reason == "no_threshold"
    assert metric.population == "healthy"


def test_only_the_brain_is_counted():
    seen = view(~empty(), empty(), box(((0, 10), (0, 10), (0, 10))))
    assert [metric.case(seen).value for metric in BOTH] == [1, 1]
