"""Kept features: the same as computed ones, bounded, drawn by seed and step."""

import numpy as np
import pytest
import torch

from uad_bench import Context, SliceStack
from uad_bench.testing import toy_scans
from uad_methods.parts.features import kept
from uad_methods.parts.features.kept import KeptFeatures


@pytest.fixture
def stack():
    return SliceStack(toy_scans(3), Context())


def halves(calls):
    def features(images):
        calls.append(len(images))
        return images[:, :, ::2] + 0.25

    return features


def test_features_are_computed_once_and_are_those_of_their_slices(stack, monkeypatch):
    calls: list[int] = []
    monkeypatch.setattr(kept, "AT_ONCE", 5)
    found = KeptFeatures(stack, halves(calls), Context())
    before, index = list(calls), np.array([0, 7, 3, len(stack) - 1])
    expected = (stack.images[index].float()[:, :, ::2] + 0.25).half().float()
    assert torch.equal(found.take(index), expected) and found.take(index).dtype == torch.float32
    assert calls == before and sum(calls) == len(stack) + 1 and max(calls) <= 5


def test_above_the_limit_nothing_is_kept_and_batches_are_the_same(stack, monkeypatch):
    stored, calls = KeptFeatures(stack, halves([]), Context()), []
    monkeypatch.setattr(kept, "LIMIT", 1000)
    computed = KeptFeatures(stack, halves(calls), Context())
    assert computed.kept is None and calls == [1]
    assert torch.equal(computed.batch(3, 4), stored.batch(3, 4)) and calls == [1, 4]


def test_what_is_kept_takes_at_most_the_limit(stack, monkeypatch):
    size = stack.images.nbytes // 2
    for limit, fits in ((size, True), (size - 1, False)):
        monkeypatch.setattr(kept, "LIMIT", limit)
        assert (KeptFeatures(stack, halves([]), Context()).kept is not None) == fits


def test_batches_depend_on_seed_and_step_only(stack):
    one, same, other = (KeptFeatures(stack, halves([]), Context(seed=s)) for s in (0, 0, 1))
    assert torch.equal(one.batch(2, 4), same.batch(2, 4))
    assert not torch.equal(one.batch(2, 4), one.batch(3, 4))
    assert not torch.equal(one.batch(2, 4), other.batch(2, 4))
    assert len(one.batch(0, 2 * len(stack))) == 2 * len(stack)
