"""A memory of vectors with places."""

import pytest
import torch

from uad_methods.parts.features.memory import nearest_distances
from uad_methods.parts.features.placed_memory import PlacedMemory

GRID = (2, 6, 5)


@pytest.fixture
def memory():
    """600 entries, all of them at one place."""
    memory = PlacedMemory(0, 3)
    places = torch.zeros(600, 3, dtype=torch.int64)
    memory.fill(torch.randn(600, 3, generator=torch.Generator().manual_seed(0)), places)
    return memory


def test_entries_are_searched_near_their_places_and_others_stand_for_them_elsewhere(memory):
    features, z = torch.randn(1, *GRID[1:], 3, generator=torch.Generator().manual_seed(1)), torch.tensor([0])
    everywhere = memory.squared_distances(features, z, 1)
    torch.testing.assert_close(
        everywhere.flatten(), nearest_distances(features.flatten(0, 2), memory.entries)
    )
    memory.search_near(GRID, 0, 1.0)
    found = memory.squared_distances(features, z, 1)
    near = torch.zeros(1, 6, 5, dtype=torch.bool)
    near[0, 0, :2], near[0, 1, 0] = True, True
    torch.testing.assert_close(found[near], everywhere[near])
    rest = nearest_distances(features.flatten(0, 2), memory.entries[::9]).view(1, 6, 5)
    torch.testing.assert_close(found[~near], rest[~near])


def test_a_memory_that_is_filled_anew_is_searched_anywhere(memory):
    memory.search_near(GRID, 0, 0.0)
    memory.fill(memory.entries[:5], memory.places[:5])
    assert (
        memory.near is None
        and memory.squared_distances(torch.zeros(1, 2, 2, 3), torch.tensor([1]), 5).isfinite().all()
    )
