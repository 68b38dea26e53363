"""Short convolutions against padded ones."""

import numpy as np
import pytest

from uad_methods.patch2loc.inference.toom import halved, product, same


@pytest.mark.parametrize("n", range(1, 15))
@pytest.mark.parametrize(("short", "stride"), [(same, 1), (halved, 2)])
def test_a_short_convolution_equals_the_padded_one(short, stride, n):
    values, taps = np.random.default_rng(n).normal(size=(2, 20))
    x, g = values[:n], taps[:3]
    around = np.pad(x, 1)
    expected = [around[i : i + 3] @ g for i in range(0, n, stride)]
    how = short(n)
    np.testing.assert_allclose(how.after @ ((how.taps @ g) * (how.before @ x)), expected, atol=1e-12)


def test_the_number_of_products_is_as_documented():
    assert [len(same(n).taps) for n in (1, 2, 4, 7)] == [1, 3, 6, 11]
    assert [len(halved(n).taps) for n in (2, 4, 7)] == [2, 5, 8]


def test_a_toom_cook_product_is_that_of_two_polynomials():
    how = product(4, 3)
    x, g = np.array([1.0, -2, 3, 0.5]), np.array([2.0, 0, -1])
    np.testing.assert_allclose(how.after @ ((how.taps @ g) * (how.before @ x)), np.convolve(x, g), atol=1e-12)
