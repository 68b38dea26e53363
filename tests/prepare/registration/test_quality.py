import json
from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.helpers.toy_brains import RADII, centred, pose_of, toy
from uad_bench.data.nifti.read import Grid, Volume
from uad_bench.prepare.registration.initial_poses import isotropic_brain
from uad_bench.prepare.registration.quality import Quality, QualityCheck, disturbances

# The toy is enlarged to the 1350 ml of a person.
LARGE = pose_of(scales=(1.25, 1.25, 1.25))
POSE = pose_of((12, -8, 10), scales=(1.05, 0.95, 1.02), shift=(8, -12, 15))
GRID = centred((80, 90, 80), 3.0)


@cache
def check() -> QualityCheck:
    return QualityCheck(isotropic_brain(*toy(LARGE, GRID.affine, GRID.shape)), GRID)


def seen(pose=POSE, grid=GRID):
    return toy(pose @ LARGE, grid.affine, grid.shape, inverted=True)


@cache
def moving():
    return isotropic_brain(*seen())


def quality_of(pose=POSE) -> Quality:
    return check()(moving(), pose, {"t2": GRID}, "t2")


def test_a_right_fit_has_no_fault():
    quality = quality_of()
    assert (quality.verdict, quality.warnings) == ("ok", [])
    assert quality.figures["mi_over_best"] > 1.3
    assert quality.figures["dice"] > 0.97
    assert quality.figures["covered"] == {"t2": 1.0}
    assert quality.figures["outside_atlas"] == 0


def test_an_atlas_upon_itself_is_not_scaled():
    atlas = isotropic_brain(*toy(LARGE, GRID.affine, GRID.shape))
    quality = check()(atlas, np.eye(4), {"t1": GRID}, "t1")
    assert quality.verdict == "ok"
    assert quality.figures["scales"] == [1, 1, 1]


@pytest.mark.parametrize("degrees", [(0, 0, 180), (180, 0, 0), (0, 180, 0), (0, 90, 0), (25, 0, 0)])
def test_a_wrong_fit_fails(degrees):
    quality = quality_of(POSE @ pose_of(degrees))
    assert quality.verdict == "fail"
    assert "only" in quality.warnings[0]


def test_a_shifted_fit_fails_by_its_likeness():
    assert "the mutual information is only" in quality_of(POSE @ pose_of(shift=(0, 14, 0))).warnings[0]


def test_masks_that_do_not_overlap_fail():
    quality = quality_of(POSE @ pose_of(scales=(1.3, 1.3, 1.3)))
    assert quality.verdict == "fail"
    assert any("Dice" in doubt for doubt in quality.warnings)


def test_the_figures_are_those_of_the_pose():
    figures = quality_of().figures
    assert figures["scales"] == pytest.approx([1.05, 1.02, 0.95], abs=1e-4)
    assert figures["determinant"] == pytest.approx(1.05 * 1.02 * 0.95, abs=1e-4)
    turn = Rotation.from_euler("xyz", [12, -8, 10], degrees=True).magnitude()
    assert figures["rotation_degrees"] == pytest.approx(np.degrees(turn), abs=1e-3)
    _, mask = seen()
    assert figures["native_ml"] == pytest.approx(mask.array.sum() * 0.027, rel=0.01)
    assert figures["atlas_ml"] == pytest.approx(figures["native_ml"] / figures["determinant"], rel=1e-3)
    assert json.loads(json.dumps(figures)) == figures


def test_a_cropped_field_of_view_is_reported_and_does_not_lower_the_dice():
    image, mask = seen()
    top = np.flatnonzero(mask.array.any(axis=(0, 1)))[-1] - 10
    cut = [Volume(volume.array[:, :, :top], volume.affine) for volume in (image, mask)]
    quality = check()(isotropic_brain(*cut), POSE, {"t1": cut[0].grid, "flair": GRID}, "t1")
    assert quality.figures["covered"]["flair"] == 1
    assert 0.7 < quality.figures["covered"]["t1"] < 0.95
    assert quality.figures["dice"] > 0.97
    assert quality.figures["native_ml"] == pytest.approx(cut[1].array.sum() * 0.027, rel=0.01)
    assert any("field of view of t1" in doubt for doubt in quality.warnings)


def test_a_turned_header_a_strange_scale_and_a_small_box_are_doubtful():
    turned = pose_of((40, 0, 0))
    brain = isotropic_brain(*seen(turned @ POSE, Grid(GRID.shape, turned @ GRID.affine)))
    small = QualityCheck(isotropic_brain(*toy(LARGE, GRID.affine, GRID.shape)), centred((80, 90, 25), 3.0))
    warnings = "; ".join(small(brain, turned @ POSE, {"t1": GRID}, "t1").warnings)
    assert "the head is rotated by" in warnings
    assert "outside the atlas's box" in warnings
    assert "of the usual" in "; ".join(quality_of(POSE @ pose_of(scales=(1.6, 1, 1))).warnings)


def test_the_disturbances_are_six_turns_about_the_centre_and_six_shifts():
    centre = RADII / 3
    found = disturbances(centre)
    moved = [np.linalg.norm((other @ [*centre, 1])[:3] - centre) for other in found]
    assert sorted(np.round(moved, 6)) == [0] * 6 + [12] * 6
    for other in found:
        np.testing.assert_allclose(other[:3, :3] @ other[:3, :3].T, np.eye(3), atol=1e-12)
    assert len({other.tobytes() for other in found}) == 12
