"""Inputs of several networks and the combination of their predictions."""

import numpy as np
import pytest
import torch

from uad_methods.patch2loc.ensemble import Ensemble, Part, parts


def test_channels_of_a_modality_stay_together() -> None:
    assert parts(6, 2, (8, 12), experts=True) == [
        Part(range(0, 6, 2), 8),
        Part(range(1, 6, 2), 8),
        Part(range(0, 6, 2), 12),
        Part(range(1, 6, 2), 12),
    ]
    assert parts(6, 2, (8,), experts=False) == [Part(range(6), 8)]


def test_experts_are_multiplied_and_sides_averaged() -> None:
    class Constant:
        belief = "diagonal"

        def __init__(self, mean: float, log_variance: float) -> None:
            self.answer = mean, log_variance

        def __call__(self, patches: torch.Tensor, height: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return tuple(torch.full((len(patches), 2), value) for value in self.answer)

    nets = [Constant(10, 0), Constant(30, 0), Constant(50, 1)]
    ensemble = Ensemble(
        nets, [Part(range(1), 4), Part(range(1, 2), 4), Part(range(1), 6)], "diagonal", False, False
    )
    brain = torch.zeros(1, 10, 10, dtype=torch.bool)
    brain[0, 2, 4] = True
    found = ensemble.score_terms(
        torch.rand(1, 2, 10, 10), torch.zeros(1), brain, (slice(0, 10), slice(0, 10))
    )
    errors = np.log((20 - 20) ** 2 + (20 - 40) ** 2), np.log((50 - 20) ** 2 + (50 - 40) ** 2)
    assert found.log_error[0, 2, 4].item() == pytest.approx(np.mean(errors), rel=1e-5)
    assert found.log_spread[0, 2, 4].item() == pytest.approx((-np.log(2) + 1) / 2, rel=1e-5)
    assert not found.score[~brain].any()
