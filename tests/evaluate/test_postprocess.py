"""Post-processing: the edge of the brain, signs, erosion, and the validation of steps."""

import numpy as np
import pytest

from uad_bench.errors import UsageError
from uad_bench.evaluate.postprocess import apply, parse, split

SHAPE = (14, 12, 10)


def ball():
    x, y, z = np.indices(SHAPE)
    return (x - 6.5) ** 2 + (y - 5) ** 2 + (z - 4) ** 2 < 16


def noise(shift=0.0):
    return (np.random.default_rng(0).normal(size=SHAPE) + shift).astype(np.float32)


def brute_median(anomaly_map, brain, size, axes, tied):
    """Median over the window of the nearest brain voxels; `tied` chooses among equally near ones."""
    reach = np.array([size // 2, size // 2, size // 2 if axes == 3 else 0])
    where, out = np.argwhere(brain), anomaly_map.copy()
    window = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), -1).reshape(-1, 3)
    for voxel in where:
        picked = []
        for place in voxel + window:
            near = where if axes == 3 else where[where[:, 2] == place[2]]
            squared = ((near - place) ** 2).sum(1)
            picked.append(tied(anomaly_map[tuple(near[squared == squared.min()].T)]))
        out[tuple(voxel)] = np.median(picked)
    return out


@pytest.mark.parametrize("axes", [2, 3])
def test_median_equals_a_plain_loop(axes):
    brain, anomaly_map = ball(), noise(-20)
    low, high = (brute_median(anomaly_map, brain, 3, axes, tied)[brain] for tied in (np.min, np.max))
    smooth, kept = apply(anomaly_map, brain, parse([{"step": "median", "size": 3, "axes": axes}]))
    assert np.all((low <= smooth[brain]) & (smooth[brain] <= high))
    assert np.mean(low == high) > 0.4
    assert np.array_equal(kept, brain)


@pytest.mark.parametrize("axes", [2, 3])
def test_median_does_not_depend_on_sign_or_background(axes):
    brain, steps = ball(), parse([{"step": "median", "size": 5, "axes": axes}])
    low, _ = apply(noise(-1024), brain, steps)
    high, _ = apply(np.where(brain, noise(-1024) + 2048, np.float32(np.nan)), brain, steps)
    assert np.array_equal(low[brain] + 2048, high[brain])
    assert low[brain].std() < noise()[brain].std() / 2


def test_the_median_of_slices_does_not_mix_slices():
    brain = np.zeros(SHAPE, bool)
    brain[3:9, 3:9, 2:6] = True
    brain[3:9, 3:9, 4] = False
    brain[5, 5, 4] = True
    anomaly_map = np.broadcast_to(np.arange(SHAPE[2], dtype=np.float32), SHAPE)
    smooth, _ = apply(anomaly_map, brain, parse([{"step": "median", "size": 5, "axes": 2}]))
    assert np.array_equal(smooth[brain], anomaly_map[brain])


def test_median_at_the_edge_of_the_grid_uses_brain_voxels_only():
    brain, anomaly_map = np.ones((5, 5, 5), bool), np.full((5, 5, 5), -7, np.float32)
    smooth, _ = apply(anomaly_map, brain, parse([{"step": "median", "size": 7}]))
    assert np.array_equal(smooth, anomaly_map)


def test_erosion_shrinks_every_slice_by_a_cross():
    brain = np.zeros((9, 9, 3), bool)
    brain[1:8, 1:8, :] = True
    _, kept = apply(
        np.zeros(brain.shape, np.float32), brain, parse([{"step": "erode_brain", "iterations": 2}])
    )
    expected = np.zeros_like(brain)
    expected[3:6, 3:6, :] = True
    assert np.array_equal(kept, expected)


def test_outside_is_the_least_anomalous_of_the_brain():
    brain = ball()
    out, _ = apply(np.where(brain, noise(-20), np.float32(0)), brain, ())
    assert out.dtype == np.float32
    assert np.all(out[~brain] == noise(-20)[brain].min())


def test_steps_do_not_change_their_inputs():
    brain, anomaly_map = ball(), noise()
    apply(anomaly_map, brain, parse([{"step": "erode_brain"}, {"step": "median", "size": 3}]))
    assert np.array_equal(anomaly_map, noise())
    assert np.array_equal(brain, ball())


def test_an_empty_brain_goes_through_every_step():
    steps = parse([{"step": "erode_brain", "iterations": 9}, {"step": "median", "size": 5}])
    out, kept = apply(noise(), ball(), steps)
    assert not out.any()
    assert not kept.any()


def test_components_are_removed_from_predictions_and_maps_are_not_changed():
    drop = {"step": "drop_components", "voxels": 7}
    on_maps, on_predictions = split(parse([{"step": "erode_brain"}, drop]))
    assert [step.step for step in (*on_maps, *on_predictions)] == ["erode_brain", "drop_components"]
    prediction = np.zeros(SHAPE, bool)
    prediction[0, 0, :7], prediction[5, 5, :8], prediction[9, 9, 9] = True, True, True
    processed = on_predictions[0](prediction)
    assert processed.sum() == 8
    assert prediction.sum() == 16
    with_drop, without = (apply(noise(), ball(), parse(steps)) for steps in ([drop], []))
    assert np.array_equal(with_drop[0], without[0])


def test_a_step_on_maps_cannot_come_after_one_on_predictions():
    with pytest.raises(UsageError, match="after drop_components"):
        parse([{"step": "drop_components", "voxels": 7}, {"step": "median", "size": 5}])


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"step": "medain", "size": 5}, "did you mean median"),
        ({"size": 5}, "unknown post-processing step"),
        ({"step": "median", "sise": 5, "size": 3}, "did you mean size"),
        ({"step": "median", "size": 4}, "must be odd"),
        ({"step": "median", "size": 5, "axes": 1}, "option axes"),
        ({"step": "median"}, "option size"),
        ({"step": "erode_brain", "iterations": 0}, "option iterations"),
        ({"step": "drop_components", "voxels": 0}, "option voxels"),
        ({"step": "drop_component", "voxels": 7}, "did you mean drop_components"),
    ],
)
def test_a_wrong_step_is_refused_with_the_nearest_name(step, message):
    with pytest.raises(UsageError, match=message):
        parse([step])
