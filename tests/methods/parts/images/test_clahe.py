"""CLAHE against scikit-image."""

import numpy as np
import pytest
import torch

from uad_methods.parts.images.clahe import clahe

# Results of scikit-image 0.26 `equalize_adapthist` for `textured(side)`: a diagonal, a row, the mean.
SKIMAGE = {
    64: ([0.0, 0.56944, 0.69444, 0.30159, 0.08929, 0.24603, 0.0, 0.0],
         [0.0, 0.29762, 0.6627, 0.00794, 0.36905, 0.69444, 0.05159, 0.37698], 0.293226),
    96: ([6e-05, 0.31412, 0.50814, 0.78901, 0.09213, 0.36365, 6e-05, 6e-05],
         [6e-05, 0.37767, 0.13294, 0.82515, 0.57169, 0.32518, 0.06822, 0.76572], 0.282518),
    40: ([0.01639, 0.01639, 0.66391, 0.31964, 0.69669, 0.24584, 0.49174, 0.01639],
         [0.01639, 0.78193, 0.93927, 0.03277, 0.19337, 0.34909, 0.47373, 0.5065], 0.313554),
}  # fmt: skip


def textured(side):
    """A disc with a deterministic texture on black, brighter downwards."""
    i, j = np.indices((side, side))
    inside = (i - side // 2) ** 2 + (j - side // 2) ** 2 < side**2 // 5
    return ((7 * i * i + 13 * i * j + 5 * j) % 101 * inside * (side + i) / (202 * side)).astype(np.float32)


@pytest.mark.parametrize("side", SKIMAGE)
def test_clahe_equals_scikit_image(side):
    found = clahe(torch.from_numpy(textured(side))[None, None])[0, 0]
    step = side // 8
    diagonal, row, mean = SKIMAGE[side]
    grid = found[step // 2 :: step, step // 2 + 1 :: step].diagonal()
    np.testing.assert_allclose(grid, diagonal, atol=1e-4)
    np.testing.assert_allclose(found[side // 2, ::step], row, atol=1e-4)
    assert float(found.mean()) == pytest.approx(mean, abs=1e-4)


def test_images_and_channels_are_independent_and_constant_images_become_zero():
    a, b = (torch.from_numpy(textured(64) ** power) for power in (1, 2))
    both = clahe(torch.stack([torch.stack([a, b]), torch.stack([b, 0 * a + 0.4])]))
    assert torch.equal(both[0, 1], both[1, 0]) and (both[1, 1] == 0).all()
    assert torch.equal(both[:1, :1], clahe(a[None, None])) and both.dtype == torch.float32
