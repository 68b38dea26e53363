"""Densities against SciPy's kernel estimates, and the joint figure."""

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from uad_bench.figures.components import density

QUANTITIES = density.Quantity("a"), density.Quantity("b", "mm")


def normal(n=100, dimensions=2):
    return np.random.default_rng(0).normal(size=(n, dimensions))


def test_a_marginal_density_is_the_kernel_estimate_of_scipy():
    values = np.random.default_rng(1).normal(3, 2, 500)
    limits = density.axis_limits([values])
    width = (limits[1] - limits[0]) / density.BINS
    reference = gaussian_kde(values, "scott")(density.bin_centres(limits)) * width
    found = density.marginal_density(values, limits)
    assert np.abs(found - reference)[10:-10].max() < 0.02 * reference.max()


def test_a_joint_density_is_the_kernel_estimate_of_scipy():
    values = np.random.default_rng(2).normal((0, 10), (1, 5), (4000, 2))
    limits = density.axis_limits([values[:, 0]]), density.axis_limits([values[:, 1]])
    at = np.stack(np.meshgrid(*map(density.bin_centres, limits), indexing="ij")).reshape(2, -1)[:, ::37]
    area = np.prod([(s[1] - s[0]) / density.BINS for s in limits])
    reference = gaussian_kde(values.T, "scott")(at) * area
    found = density.joint_density(values, limits).reshape(-1)[::37]
    assert np.abs(found - reference).max() < 0.05 * reference.max()


def test_levels_enclose_their_share():
    values = np.random.default_rng(3).normal(size=(3000, 2))
    found = density.joint_density(values, ((-6, 6), (-6, 6)))
    for share, level in zip((0.95, 0.8, 0.5), density.enclosing_levels(found, (0.95, 0.8, 0.5)), strict=True):
        assert found[found >= level].sum() == pytest.approx(share * found.sum(), abs=0.01)
    assert density.enclosing_levels(np.zeros((4, 4)), (0.5,)) == [0.0]


def test_limits_contain_every_group_and_are_never_empty():
    low, high = density.axis_limits([np.arange(101.0), np.arange(100.0, 201.0), np.empty(0)])
    assert (low, high) == pytest.approx((0.5 - 19.9, 199.5 + 19.9), abs=0.2)
    assert density.axis_limits([np.full(5, 2.0)]) == (1.5, 2.5)
    assert density.axis_limits([np.empty(0)])[0] < density.axis_limits([np.empty(0)])[1]


@pytest.mark.parametrize(
    ("values", "dots"), [(np.zeros((50, 2)), 0), (np.zeros((0, 2)), 1), (np.ones((3, 2)), 1)]
)
def test_small_groups_are_dots_and_constant_ones_have_a_density(values, dots, tmp_path):
    sample = density.JointSample(QUANTITIES, normal(), {"x": values})
    axes = density.density_figure(sample, "t").axes[0]
    assert [line.get_marker() for line in axes.lines] == ["."] * dots
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b (mm)")
    for name in ("a.png", "b.png"):
        density.draw_density(tmp_path / name, sample, "t")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_medians_of_several_lesion_kinds_are_marked():
    some = normal()
    sample = density.JointSample(QUANTITIES, some, {"ms": some + 1, "tumour": some + 3})
    figure = density.density_figure(sample, "t")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "brain outside lesions: 100 voxels",
        "lesion: 200 voxels",
        "median of ms",
        "median of tumour",
    ]
    marks = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    np.testing.assert_allclose([*marks[1].get_data()], np.median(some + 3, axis=0)[:, None])
