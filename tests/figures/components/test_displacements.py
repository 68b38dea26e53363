"""Figure of displacements: positions along x and y, and lengths."""

import numpy as np
import pytest

from uad_bench.figures.components.displacements import (
    Displacements,
    displacement_figure,
    draw_displacements,
)


def moved(n, dx, dy):
    """Positions of n voxels, and the same moved by (dx, dy) voxels."""
    at = np.random.default_rng(n).uniform(0, 20, (n, 2))
    return np.concatenate([at, at + np.array([dx, dy])], axis=1)


def test_positions_are_compared_along_x_and_y_and_lengths_have_medians():
    found = Displacements("predicted place", "voxels", moved(200, 3, 4), moved(50, 0, 1))
    x, y, lengths = displacement_figure(found, "t").axes
    assert (x.get_xlabel(), x.get_ylabel()) == ("x of the voxel (voxels)", "x, predicted place (voxels)")
    assert (y.get_xlabel(), y.get_ylabel()) == ("y of the voxel (voxels)", "y, predicted place (voxels)")
    assert x.get_xlim() == x.get_ylim() and x.get_xlim()[1] > 22
    labels = [text.get_text() for text in lengths.get_legend().get_texts()]
    assert labels == ["outside lesions, median 5.00", "lesion, median 1.00"]
    assert lengths.get_xlabel() == "length of the displacement (voxels)"


@pytest.mark.parametrize("n", [0, 3])
def test_few_lesion_voxels_have_no_density_of_lengths(n, tmp_path):
    found = Displacements("place", "voxels", moved(200, 3, 4), moved(n, 0, 1))
    labels = [text.get_text() for text in displacement_figure(found, "t").axes[2].get_legend().get_texts()]
    assert labels == ["outside lesions, median 5.00"]
    for name in ("a.png", "b.png"):
        draw_displacements(tmp_path / name, found, "t")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
