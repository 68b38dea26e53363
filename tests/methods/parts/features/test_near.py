"""Nearest neighbours nearby, against all pairs."""

import pytest
import torch

from uad_methods.parts.features.near import NearMemory

GRID = (6, 13, 9)


def brute(features, z, entries, places, slices, radius, k):
    n, _, x, y = features.shape
    found = torch.full((n, x, y), float("inf"))
    for i in range(n):
        for a in range(x):
            for b in range(y):
                far = (places[:, 1] - a) ** 2 + (places[:, 2] - b) ** 2 > radius**2
                near = ~far & ((places[:, 0] - z[i]).abs() <= slices)
                if near.sum() >= k:
                    squared = (entries[near] - features[i, :, a, b]).square().sum(dim=1)
                    found[i, a, b] = squared.topk(k, largest=False).values.mean()
    return found


@pytest.mark.parametrize(
    ("slices", "radius", "k"),
    [(0, 0.0, 1), (1, 2.0, 1), (2, 3.5, 3), (1, 20.0, 2), (0, 1.5, 2), (1, 0.7, 1), (0, 1.0, 1)],
)
def test_distances_equal_those_of_all_entries_within_the_radius(slices, radius, k):
    rng = torch.Generator().manual_seed(3)
    entries = torch.randn(300, 4, generator=rng)
    places = torch.stack([torch.randint(size, (300,), generator=rng) for size in GRID], dim=1)
    features, z = torch.randn(3, 4, *GRID[1:], generator=rng), torch.tensor([0, 3, 5])
    found = NearMemory(entries, places, GRID, slices, radius).distances(features, z, k)
    torch.testing.assert_close(
        found, brute(features, z, entries, places, slices, radius, k), rtol=1e-4, atol=1e-5
    )


def test_an_entry_at_its_own_place_has_distance_zero():
    rng = torch.Generator().manual_seed(3)
    entries, places = (
        torch.randn(13 * 9, 4, generator=rng),
        torch.cartesian_prod(torch.arange(1), torch.arange(13), torch.arange(9)),
    )
    maps = entries.T.reshape(1, 4, 13, 9)
    found = NearMemory(entries, places, GRID, 1, 2.0).distances(maps, torch.tensor([0]), 1)
    assert torch.equal(found, torch.zeros(1, 13, 9))
