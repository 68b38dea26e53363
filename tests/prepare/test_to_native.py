"""The way back from the prepared grid: a pattern known in the file's world returns to where it was."""

import numpy as np
import pytest

from uad_bench.data.nifti.read import Grid
from uad_bench.prepare.to_native import prepared_grid, target_voxels, to_native

#: A registration as they come: rotated by 10 degrees about z, scaled, sheared, shifted.
c, s = np.cos(np.pi / 18), np.sin(np.pi / 18)
SHEARED = np.array([[1.08 * c, -s, 0.04, 8], [s, 0.93 * c, -0.06, -12], [0.02, 0.05, 1.05, 15], [0, 0, 0, 1]])
RAS = np.array([[1, 0, 0, -30], [0, 1, 0, -32], [0, 0, 1, -28], [0, 0, 0, 1.0]])
LPS = np.array([[-0.8, 0, 0, 32], [0, -0.8, 0, 35], [0, 0, 1.2, -30], [0, 0, 0, 1]])
THICK = np.array([[-0.8, 0, 0, 32], [0, -0.78, -0.68, 35], [0, -0.18, 3.0, -26], [0, 0, 0, 1]])


def places(grid):
    """World coordinates (3, X, Y, Z) of the voxel centres."""
    return (
        np.einsum("ij,j...->i...", grid.affine[:3, :3], np.indices(grid.shape))
        + grid.affine[:3, 3, None, None, None]
    )


def pattern(at):
    return np.sin(at[0] / 9) + np.cos(at[1] / 11) * np.sin(1 + at[2] / 10) + 5


def ball(at):
    return (at**2).sum(axis=0) < 24**2


@pytest.mark.parametrize("to_atlas", [np.eye(4), SHEARED], ids=["as it lay", "registered"])
@pytest.mark.parametrize("affine", [RAS, LPS, THICK], ids=["RAS", "LPS", "thick"])
def test_a_pattern_in_world_coordinates_is_recovered(to_atlas, affine):
    corner = np.diag([2.0, 2.0, 2.0, 1.0])
    corner[:3, 3] = to_atlas[:3, 3] - 39
    record = {"affine": corner.tolist(), "to_atlas": to_atlas.tolist()}
    prepared = prepared_grid(record, (40, 40, 40))
    at = places(prepared)
    native = Grid((80, 86, 52) if affine is not THICK else (80, 88, 22), affine)
    values, region = to_native(pattern(at).astype(np.float32), ball(at), prepared, native)
    there = places(native)
    assert (region != ball(there)).sum() < 0.06 * ball(there).sum()  # its rim only
    core = region & ((there**2).sum(axis=0) < 19**2)
    assert core.sum() > 5000
    # A linear interpolation misses at most h^2 / 8 times the second derivative, a mean over 3 mm twice as much.
    assert np.abs(values - pattern(there))[core].max() < (0.03 if affine is not THICK else 0.06)
    assert not values[~region].any()
    rim = region & ~core
    assert np.abs(values - pattern(there))[rim].max() < 0.5  # not half of 5, as beside zeros


def test_tissue_has_the_files_volume_again():
    record = {"affine": np.diag([2.0, 2, 2, 1]).tolist(), "to_atlas": np.diag([1.2, 1.1, 1, 1]).tolist()}
    assert prepared_grid(record, (4, 4, 4)).voxel_ml == pytest.approx(0.008 / 1.32)


def test_a_record_without_registration_is_where_the_file_is():
    assert np.array_equal(prepared_grid({"affine": RAS.tolist()}, (4, 4, 4)).affine, RAS)


def test_voxels_land_where_their_centres_are():
    source, target = Grid((6, 6, 6), RAS), Grid((3, 3, 3), RAS @ np.diag([2.0, 2, 2, 1]))
    there = target_voxels(np.array([[0, 0, 0], [1, 2, 3], [5, 5, 5], [4, 4, 4]]), source, target)
    assert there.tolist() == [[0, 0, 0], [1, 1, 2], [-1, -1, -1], [2, 2, 2]]


def test_negative_scores_stay_within_the_brain():
    prepared = Grid((40, 40, 40), np.diag([2.0, 2, 2, 1]))
    region = ball(places(prepared) - 40)
    native = Grid((80, 80, 80), np.eye(4))
    values, there = to_native(np.full(region.shape, -3, np.float32), region, prepared, native)
    assert np.allclose(values[there], -3, atol=1e-5) and not values[~there].any()
