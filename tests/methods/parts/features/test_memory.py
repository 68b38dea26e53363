"""Coreset and nearest neighbours against brute force."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from uad_methods.parts.features import memory
from uad_methods.parts.features.memory import coreset, nearest_distances


def vectors(n, d=6, seed=0):
    return torch.randn((n, d), generator=torch.Generator().manual_seed(seed))


def generator():
    return torch.Generator().manual_seed(3)


def greedy(points, starts, count):
    """Farthest points, by all distances."""
    full = np.linalg.norm(points[:, None] - points[None], axis=2)
    nearest, chosen = full[starts].mean(axis=0), []
    for _ in range(count):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, full[chosen[-1]])
        nearest[chosen[-1]] = -1
    return chosen


@pytest.mark.parametrize("count", [1, 7, 40])
def test_the_coreset_is_that_of_brute_force(count):
    points = vectors(60)
    starts = torch.randint(60, (10,), generator=generator()).numpy()
    expected = greedy(points.double().numpy(), starts, count)
    assert coreset(points, count, generator(), projected=0).tolist() == expected


def test_no_vector_is_chosen_twice_even_among_equal_ones():
    chosen = coreset(torch.ones(8, 3), 8, generator())
    assert sorted(chosen.tolist()) == list(range(8))
    assert len(coreset(vectors(5), 9, generator())) == 5


def test_the_covering_radius_falls_with_the_size():
    points = vectors(200)
    radii = [
        nearest_distances(points, points[coreset(points, size, generator())]).max() for size in (5, 20, 80)
    ]
    assert radii[0] > radii[1] > radii[2]


def test_a_projection_is_for_the_selection_only():
    points = vectors(50, 300)
    few, many = (coreset(points, 10, generator(), projected=size) for size in (4, 128))
    assert few.shape == many.shape and few.tolist() != many.tolist()


@pytest.mark.parametrize("block", [1, 2**24])
@pytest.mark.parametrize("k", [1, 5])
def test_distances_are_those_of_brute_force_whatever_the_block(k, block, monkeypatch):
    monkeypatch.setattr(memory, "BLOCK", block)
    entries, queries = vectors(30), vectors(9, seed=1)
    found = NearestNeighbors(algorithm="brute").fit(entries.numpy()).kneighbors(queries.numpy(), k)[0]
    np.testing.assert_allclose(nearest_distances(queries, entries, k), (found**2).mean(axis=1), rtol=1e-5)


def test_an_entry_of_the_memory_has_distance_zero():
    entries = 1000 + vectors(40)
    assert (nearest_distances(entries, entries) == 0).all()


def test_a_line_of_two_entries():
    entries = torch.tensor([[0.0], [10.0]])
    assert nearest_distances(torch.tensor([[3.0]]), entries).item() == 9


def test_more_entries_raise_no_distance_and_one_neighbour_is_nearest():
    entries, queries = vectors(30), vectors(20, seed=1)
    assert (nearest_distances(queries, entries) <= nearest_distances(queries, entries[:10])).all()
    assert (nearest_distances(queries, entries) <= nearest_distances(queries, entries, 5)).all()
