"""The cache as a whole: its entries, damaged and unfinished folders, removal."""

import os

import pytest

from uad_bench.prepare.cache import inventory
from uad_bench.prepare.cache.prepared_case import prepare_case

STEPS = [{"step": "canonical"}, {"step": "brain_mask"}, {"step": "scale"}]


@pytest.fixture
def cache(toy_case, tmp_path):
    """Two prepared cases, b and a."""
    for seed, name in enumerate("ba"):
        prepare_case(toy_case(name, seed=seed), ["t2"], STEPS, tmp_path / "cache")
    return tmp_path / "cache"


def test_entries_come_in_order_with_what_they_contain(cache):
    first, second = inventory.entries(cache)
    assert (first.case_id, second.case_id, first.dataset, first.modalities) == ("a", "b", "toy", ("t2",))
    assert first.steps == second.steps and len(first.steps) == 12
    assert first.size == sum(path.stat().st_size for path in first.folder.iterdir())
    assert first.current and first.made > 1.7e9


def test_an_entry_of_another_recipe_is_not_current(cache, monkeypatch):
    monkeypatch.setattr(inventory, "RECIPE", -1)
    assert [entry.current for entry in inventory.entries(cache)] == [False, False]


@pytest.mark.parametrize("harm", ["bit", "size", "record"])
def test_damaged_entries_are_found(cache, harm):
    entry = next(inventory.entries(cache))
    path = entry.folder / ("record.json" if harm == "record" else "image.npy")
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]) if harm == "bit" else raw[:-9])
    assert list(inventory.damaged(cache)) == [entry.folder]


def test_a_folder_of_a_killed_process_is_unfinished_after_an_hour(cache):
    folder = next(inventory.entries(cache)).folder.with_name(".killed.tmp")
    folder.mkdir()
    assert list(inventory.unfinished(cache)) == []
    os.utime(folder, (1, 1))
    assert list(inventory.unfinished(cache)) == [folder]
    assert list(inventory.damaged(cache)) == []
    inventory.remove(folder)
    assert not folder.exists()


def test_a_removed_entry_frees_its_bytes_and_leaves_its_lock(cache):
    entry = next(inventory.entries(cache))
    assert inventory.remove(entry.folder) == entry.size
    assert [other.case_id for other in inventory.entries(cache)] == ["b"]
    assert entry.folder.with_suffix(".lock").exists() and not entry.folder.exists()
