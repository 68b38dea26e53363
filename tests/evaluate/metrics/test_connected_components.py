"""Components, edges and the removal of small components, against scipy."""

import numpy as np
import pytest
from scipy import ndimage

from uad_bench.evaluate.metrics.connected_components import SMALL, Components, drop_small, edge, edge_voxels

TOUCHING = np.ones((3, 3, 3), bool)
SHAPES = [(9, 8, 7), (1, 6, 9), (6, 1, 9), (7, 9, 1), (1, 1, 1), (2, 2, 30)]


def masks():
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        for share in (0.0, 0.02, 0.1, 0.3, 0.7, 1.0):
            yield rng.random(shape) < share


def test_components_are_those_of_scipy():
    for mask in masks():
        found, (labels, n) = Components.of(mask), ndimage.label(mask, TOUCHING)
        assert found.n == n
        assert np.array_equal(found.label + 1, labels.ravel()[found.index])
        assert np.array_equal(found.sizes, np.bincount(labels.ravel(), minlength=n + 1)[1:])
        assert np.array_equal(found.coordinates, np.argwhere(mask))


def test_a_mask_in_another_memory_order_has_the_same_components():
    mask = np.random.default_rng(1).random((9, 8, 7)) < 0.1
    ours, theirs = Components.of(mask), Components.of(np.asfortranarray(mask))
    assert np.array_equal(ours.label, theirs.label)
    assert np.array_equal(ours.index, theirs.index)


def test_the_component_at_a_flat_index():
    for mask in masks():
        labels = ndimage.label(mask, TOUCHING)[0].ravel()
        assert np.array_equal(Components.of(mask).at(np.arange(mask.size)), labels - 1)


@pytest.mark.parametrize("voxels", [1, 3, 7])
def test_components_up_to_a_size_are_removed(voxels):
    for mask in masks():
        labels, n = ndimage.label(mask, TOUCHING)
        large = [k for k in range(1, n + 1) if np.sum(labels == k) > voxels]
        assert np.array_equal(drop_small(mask, voxels), np.isin(labels, large))


def test_edges_are_the_voxels_that_an_erosion_removes():
    for mask in masks():
        assert np.array_equal(edge(mask), mask & ~ndimage.binary_erosion(mask))


def test_edge_voxels_are_those_of_the_edge_for_masks_of_any_size():
    rng = np.random.default_rng(3)
    sizes = set()
    for mask in [*masks(), *(rng.random((9, 8, 7)) < share for share in (0, 0.01, 0.04, 0.5, 1))]:
        assert edge_voxels(mask).tolist() == np.flatnonzero(edge(mask)).tolist()
        sizes.add(mask.sum() > mask.size // SMALL)
    solid = np.zeros((40, 40, 40), bool)
    solid[:12, 28:, 5:17] = True  # small for its grid, at two ends of it, with an inside
    assert solid.sum() <= solid.size // SMALL
    assert edge_voxels(solid).tolist() == np.flatnonzero(edge(solid)).tolist()
    assert sizes == {True, False}
