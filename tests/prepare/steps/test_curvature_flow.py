import numpy as np
import pytest

from uad_bench.data.nifti.read import Volume
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.curvature_flow import CurvatureFlow

WORLD = np.eye(4)


def flowed(array: np.ndarray, affine=WORLD, **changes) -> np.ndarray:
    mask = Volume(array > 50, affine)
    case_volumes = CurvatureFlow(**changes).apply(CaseVolumes("c", {"t2": Volume(array, affine)}, mask, mask))
    assert case_volumes.brain_mask is mask
    return case_volumes.images["t2"].array


def test_noise_is_removed_and_edges_are_kept():
    clean = np.full((24, 24, 24), 20, np.float32)
    clean[:, :, 12:] = 100
    noisy = clean + np.random.default_rng(0).normal(0, 4, clean.shape).astype(np.float32)
    array = flowed(noisy)
    assert array.dtype == np.float32
    assert np.std((array - clean)[4:-4, 4:-4, 2:10]) < 0.75 * 4
    assert np.diff(array[8:16, 8:16].mean(axis=(0, 1)))[11] > 60


def test_it_is_three_small_steps_of_its_equation():
    """dI/dt = mean curvature x gradient's length; on a ball's ramp, the level lines of radius r move by 2 / r."""
    x, y, z = np.indices((41, 41, 41)) - 20.0
    radius = np.sqrt(x**2 + y**2 + z**2)
    ramp = (100 - 3 * radius).astype(np.float32)
    change = flowed(ramp, time_step=0.125, iterations=3) - ramp
    shell = (radius > 11.5) & (radius < 12.5)
    # The curvature is the sum of the two principal ones, and gradients point inwards.
    assert change[shell].mean() == pytest.approx(-3 * 2 / 12 * 3 * 0.125, rel=0.05)


def test_the_flow_depends_on_spacing_and_the_removed_rms_is_recorded():
    noisy = np.random.default_rng(0).normal(100, 10, (16, 16, 16)).astype(np.float32)
    assert not np.array_equal(flowed(noisy), flowed(noisy, np.diag([1.0, 1, 4, 1])))
    case_volumes = CurvatureFlow().apply(CaseVolumes("c", {"t2": Volume(noisy, np.eye(4))}))
    gone = np.sqrt(np.mean((case_volumes.images["t2"].array - noisy) ** 2))
    assert case_volumes.figures["removed_rms"]["t2"] == pytest.approx(gone, abs=1e-4)
    assert gone > 1
