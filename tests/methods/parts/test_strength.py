"""Strength of anomalies and time index, against the values of the published code."""

import pytest
import torch

from uad_methods.parts.strength import scored_times, strengths, times_of


def test_the_schedule_is_the_published_one():
    found = strengths()
    assert found.shape == (100,) and (found[1:] < found[:-1]).all()
    assert found[0] == pytest.approx(0.9995, abs=5e-5) and found[99] == pytest.approx(0.0045, abs=5e-5)
    assert found[[99, 74, 49, 24]] == pytest.approx([0.005, 0.051, 0.272, 0.727], abs=1e-3)


def test_times_are_inverse_to_the_strength():
    found = times_of(torch.tensor([1, 0.75, 0.5, 0.25, 0.1, 0.05, 0]))
    assert found.tolist() == [0, 23, 36, 51, 65, 74, 99]


def test_scored_times():
    assert scored_times(4) == [99, 74, 49, 24] and scored_times(5) == [99, 79, 59, 39, 19]
    assert scored_times(1) == [99] and scored_times(100) == list(range(99, -1, -1))
