"""Deformations are invertible and do what their names say."""

import numpy as np
import pytest

from uad_datasets.phantom.anatomy import draw_anatomy
from uad_datasets.phantom.atlas import load_atlas
from uad_datasets.phantom.deform import compose, exponential, mass_effect, random_velocity
from uad_datasets.phantom.grid import COARSE_SHAPE, COARSE_SPACING, coarse_positions, rng_for


def jacobian(displacement):
    """The determinant of y -> y + u(y) at every node."""
    gradient = np.stack([np.stack(np.gradient(component, COARSE_SPACING)) for component in displacement])
    return np.linalg.det(np.moveaxis(gradient, (0, 1), (-2, -1)) + np.eye(3))


@pytest.mark.parametrize("case", range(6))
def test_anatomies_do_not_fold(case):
    displacement = draw_anatomy(rng_for(3, f"fold-{case}"), load_atlas()).displacement
    assert np.abs(displacement).max() > 4
    assert jacobian(displacement).min() > 0


def test_the_negative_velocity_undoes_the_deformation():
    velocity = random_velocity(rng_for(0, "inverse"))
    there, back = exponential(velocity), exponential(-velocity)
    inner = (slice(None), *(slice(5, -5),) * 3)
    assert np.abs(there[inner]).mean() > 2
    assert np.abs(compose(there, back)[inner]).mean() < 0.1


def test_push_moves_anatomy_away_from_the_centre():
    centre = np.array([80.0, 96.0, 80.0], dtype=np.float32)
    pulled = mass_effect(centre, 16.0, 8.0, np.ones(COARSE_SHAPE, dtype=np.float32))
    away = coarse_positions() - centre[:, None, None, None]
    assert (pulled * away).sum(axis=0).max() < 1e-3
    assert jacobian(pulled).min() > 0
