"""Sinusoidal embedding against its formula."""

import math

import pytest
import torch

from uad_methods.patch2loc.embedding import sinusoidal


def test_embedding_has_sines_at_even_and_cosines_at_odd_entries() -> None:
    row = sinusoidal(torch.tensor([37.5]), 512)[0].numpy()
    for i in (0, 1, 100, 255):
        angle = 37.5 / 10000 ** (2 * i / 512)
        assert row[2 * i : 2 * i + 2] == pytest.approx([math.sin(angle), math.cos(angle)], abs=1e-5)
    assert row.shape == (512,)
