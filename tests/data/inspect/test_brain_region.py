"""The brain before any preparation."""

import numpy as np
import pytest

from tests.helpers.inspected_cases import SHAPE, ball
from uad_bench.data.inspect.case import inspect_case


def test_f14_the_brain_of_a_stripped_scan_is_its_voxels_with_data(make):
    assert inspect_case(make(brain=None, stripped=True)).brain_share == pytest.approx(ball().mean())
    assert inspect_case(make(brain=None, stripped=False)).brain_share is None


def test_f26_holes_of_a_stripped_brain_are_brain(make):
    image = np.where(ball() & ~ball(2), 1.0 + np.indices(SHAPE)[0], 0)
    assert not inspect_case(make(image=image, brain=None, stripped=True)).findings
