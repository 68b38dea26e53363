"""Runs of neighbouring slices and their padding."""

import numpy as np
import torch

from uad_bench import Context, SliceStack
from uad_bench.testing import toy_scans
from uad_methods.parts.networks.sequence import pad_runs, random_runs, unpad_runs, whole_volumes


def test_padding_of_runs_is_inverted():
    codes = torch.rand(6, 3)
    padded = pad_runs(codes, [1, 3, 2])
    assert padded.shape == (3, 3, 3)
    assert (padded[0, 1:] == 0).all()
    assert torch.equal(unpad_runs(padded, [1, 3, 2]), codes)


def test_a_run_has_neighbouring_slices_of_one_volume():
    scans = toy_scans(5, shape=(16, 16, 14))
    stack, rng = SliceStack(scans, Context()), np.random.default_rng(0)
    ends = np.cumsum(stack.counts)
    for _ in range(50):
        runs = random_runs(stack, 3, 4, rng)
        pieces = np.split(runs.slices, np.cumsum(runs.lengths)[:-1])
        assert runs.lengths == [4, 4, 4]
        assert all((np.diff(piece) == 1).all() for piece in pieces)
        volumes = [np.unique(np.searchsorted(ends, piece, side="right")) for piece in pieces]
        assert sorted(len(v) for v in volumes) == [1, 1, 1]
        assert len({int(v[0]) for v in volumes}) == 3


def test_a_window_longer_than_the_volume_gives_the_volume():
    stack = SliceStack(toy_scans(3), Context())
    sample_code = random_runs(stack, 3, 99, np.random.default_rng(0))
    everything = whole_volumes(stack, 3)
    assert np.array_equal(np.sort(sample_code.slices), everything.slices)
    assert np.array_equal(everything.slices, np.arange(len(stack)))
    assert everything.lengths == stack.counts
    assert sorted(sample_code.lengths) == sorted(stack.counts)
