"""Shapes of synthetic anomalies: areas, places, limits."""

import math

import pytest
import torch

from uad_methods.parts.training.synthetic.shapes import blobs, discs, places, random_shapes, rectangles

SIDE = 128


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def coordinates():
    at = torch.arange(SIDE) - SIDE / 2 + 0.5
    return at[None, :, None], at[None, None, :]


def values(*numbers):
    return torch.tensor(numbers)[:, None, None]


def test_rectangles_and_discs_have_their_areas():
    x, y = coordinates()
    assert rectangles(x, y, values(20.0), values(10.0), values(0.0)).sum() == 200
    turned = rectangles(x, y, values(40.0), values(20.0), values(math.radians(15)))
    assert float(turned.sum()) == pytest.approx(800, rel=0.02)
    assert float(discs(x, y, values(40.0)).sum()) == pytest.approx(400 * math.pi, rel=0.02)


def test_blobs_are_irregular_discs():
    x, y = (one.expand(64, *one.shape[1:]) for one in coordinates())
    found = blobs(x, y, torch.full((64, 1, 1), 40.0), draws())
    areas = found.sum(dim=(1, 2)).float()
    assert float(areas.mean()) == pytest.approx(400 * math.pi, rel=0.15) and areas.std() > 100
    assert ((x.square() + y.square() < 2500) | ~found).float().mean() > 0.99


def test_shapes_lie_in_a_window_of_half_the_patch_and_in_the_brain():
    brain = torch.zeros(96, SIDE, SIDE, dtype=torch.bool)
    brain[:, 20:100, 30:110] = True
    centres = places(brain, SIDE // 4, draws())
    found = random_shapes(centres, brain, draws(1))
    assert found.min() >= 0 and found.max() <= 1 and (found[~brain] == 0).all()
    at = torch.arange(SIDE)
    inside = (at >= centres[:, :1] - 32) & (at < centres[:, :1] + 32)
    assert (found.amax(dim=2)[~inside] == 0).all()
    assert (found.amax(dim=(1, 2)) > 0.3).float().mean() > 0.9  # a blob may be small, and blurred away
    areas = (found > 0.5).sum(dim=(1, 2))
    assert areas.max() <= 60**2 and areas.float().std() > 100


def test_places_are_brain_pixels_whose_window_lies_inside_the_patch():
    brain = torch.rand(200, 32, 32, generator=draws()) < 0.05
    found = places(brain, 8, draws())
    assert found.min() >= 8 and found.max() <= 24
    assert brain[torch.arange(200), found[:, 0], found[:, 1]].all()


def test_without_brain_places_are_uniform():
    found = places(torch.zeros(2000, 32, 32, dtype=torch.bool), 8, draws())
    assert found.min() == 8 and found.max() == 24
    assert found.float().mean(dim=0).tolist() == pytest.approx([16, 16], abs=0.5)
