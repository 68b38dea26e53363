"""The picture of a prediction: equal bytes, the slice with most voxels above the threshold is among those shown."""

import numpy as np

from uad_bench.data.nifti.read import Volume
from uad_bench.figures.prediction_sheet import PredictionImages, draw_prediction, prediction_sheet


def images(thresholds=(("healthy_q95", 0.5, 3.0),), turn=False):
    grid = np.indices((20, 24, 18))
    brain = ((grid - np.array([10, 12, 9])[:, None, None, None]) ** 2).sum(0) < 60
    scores = np.random.default_rng(0).random(brain.shape, dtype=np.float32) * 0.4
    scores[9:12, 9:12, 3] = 0.9
    affine = np.diag([2.0, 2, 3, 1])
    if turn:
        brain, scores, affine = brain.transpose(2, 0, 1), scores.transpose(2, 0, 1), affine[:, [2, 0, 1, 3]]
    return PredictionImages(
        "a $case$", Volume(scores, affine), Volume(scores, affine), Volume(brain, affine), thresholds
    )


def test_equal_images_give_equal_bytes_whatever_their_axes(tmp_path):
    for name, turn in (("a", False), ("b", False), ("c", True)):
        draw_prediction(tmp_path / f"{name}.png", images(turn=turn))
    first, *others = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert others == [first, first]


def test_the_slice_with_most_voxels_above_the_threshold_is_shown():
    figure = prediction_sheet(images())
    outlined = [axes for axes in figure.axes if axes.collections and axes.images]
    assert len(outlined) == 2  # the scan and the map of one slice


def test_a_model_without_thresholds_is_drawn_without_outline():
    figure = prediction_sheet(images(thresholds=()))
    assert not [axes for axes in figure.axes if axes.collections and axes.images]
    assert "no healthy quantile" in figure.axes[-1].get_xlabel()
