"""Noise fields, timesteps and slices of a batch."""

import numpy as np
import torch

from uad_bench import Context
from uad_methods.parts.training.draws import noise_fields, one_slice_per_volume, timesteps


def test_noise_fields_are_independent_for_slices_and_channels():
    fields = noise_fields("simplex", 3, (2, 16, 12), np.random.default_rng(0), "cpu")
    assert fields.shape == (3, 2, 16, 12)
    assert np.abs(np.corrcoef(fields.reshape(6, -1)) - np.eye(6)).max() < 0.9
    assert len(torch.unique(fields.reshape(6, -1), dim=0)) == 6


def test_an_epoch_draws_one_slice_of_every_volume():
    counts, ctx = [5, 0, 1, 7, 2, 3], Context()
    seen = np.concatenate([one_slice_per_volume(counts, step, 2, ctx) for step in range(5)])
    volume = np.searchsorted(np.cumsum(counts), seen, side="right")
    assert sorted(volume[:5]) == sorted(volume[5:]) == [0, 2, 3, 4, 5]
    assert len({tuple(one_slice_per_volume([50] * 4, step, 4, ctx)) for step in range(4)}) == 4


def test_a_batch_larger_than_the_cohort_repeats_volumes():
    assert len(one_slice_per_volume([3, 3], 0, 5, Context())) == 5


def test_all_timesteps_are_drawn():
    found = timesteps(2000, 5, "key", Context())
    assert torch.bincount(found).min() > 300 and found.max() == 4


def test_noise_is_float32_under_autocast():
    made = [noise_fields("simplex", 2, (1, 20, 20), np.random.default_rng(0), "cpu")]
    with torch.autocast("cpu", torch.bfloat16):
        made.append(noise_fields("simplex", 2, (1, 20, 20), np.random.default_rng(0), "cpu"))
    assert made[1].dtype == torch.float32 and torch.equal(*made)
