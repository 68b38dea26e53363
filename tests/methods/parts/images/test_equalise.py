"""Equalisation of scans on access."""

import pytest

from uad_bench.testing import toy_scans
from uad_methods.parts.images.equalise import EqualisedScans


def test_equalised_scans_have_uniform_intensities_in_the_brain():
    scans = toy_scans(2, ("t1", "t2"))
    found = EqualisedScans(scans)[1]
    for channel in found.image:
        assert channel[found.brain_mask].mean() == pytest.approx(0.5, abs=0.01)
        assert (channel[~found.brain_mask] == 0).all()
    assert len(EqualisedScans(scans)[:1]) == 1
