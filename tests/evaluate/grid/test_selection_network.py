"""The network of minima and maxima that selects medians."""

from itertools import product

import numpy as np
import pytest

from uad_bench.evaluate.grid.selection_network import median_network, medians


@pytest.mark.parametrize("n", [3, 5, 7, 9, 11])
def test_i17_zeros_and_ones_in_every_order_have_their_median(n):
    """A network that selects correctly from zeros and ones does so from all values (0-1 principle)."""
    windows = np.array(list(product([0.0, 1.0], repeat=n)))
    found = medians([np.ascontiguousarray(column) for column in windows.T])
    assert (found == np.median(windows, axis=1)).all()


@pytest.mark.parametrize("n", [25, 27, 49])
def test_i17_values_of_windows_have_their_median(n):
    windows = np.random.default_rng(n).integers(0, 40, (5000, n)).astype(np.float32)
    found = medians([np.ascontiguousarray(column) for column in windows.T])
    assert (found == np.median(windows, axis=1)).all()


def test_i17_no_value_is_computed_that_nothing_depends_on():
    exchanges, _ = median_network(25)
    assert all(one.lower or one.higher for one in exchanges)
    assert sum(one.lower + one.higher for one in exchanges) == 240
