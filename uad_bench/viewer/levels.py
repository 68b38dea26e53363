"""Anomaly maps with 8 bits: 255 thresholds at which a stored map and its original give exactly the same voxels."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from uad_bench.types import BoolArray, FloatArray

LEVELS = 255

Edges = npt.NDArray[np.float64]


def level_edges(scores: FloatArray, thresholds: Iterable[float]) -> Edges:
    """Up to 255 rising thresholds: the finite ones of `thresholds` and the lowest score, so that every brain voxel has
    a level; the others in equal parts evenly spaced over the scores and over the voxels.

    scores: those of the brain, at least one; thresholds: fewer than 250.

    >>> level_edges(np.array([0, 1, 2], np.float32), [1.5])[[0, -1]]
    array([0., 2.])
    """
    known = np.array([value for value in thresholds if np.isfinite(value)], np.float64)
    low, high = float(scores.min()), float(scores.max())
    even = (LEVELS - 1 - known.size) // 2
    over_scores = np.linspace(low, high, even)
    over_voxels = np.quantile(scores, np.linspace(0, 1, even), method="higher").astype(np.float64)
    return np.unique(np.concatenate([[low], known, over_scores, over_voxels]))


def encode(anomaly_map: FloatArray, brain: BoolArray, edges: Edges) -> npt.NDArray[np.uint8]:
    """The number of thresholds that each score reaches, 0 outside the brain: score >= edges[k - 1] where level >= k.

    >>> encode(np.array([[[0.0, 1.0, 5.0]]]), np.array([[[True, True, False]]]), np.array([0.0, 1.0]))
    array([[[1, 2, 0]]], dtype=uint8)
    """
    reached = np.searchsorted(edges, anomaly_map.astype(np.float64), side="right")
    levels: npt.NDArray[np.uint8] = np.where(brain, reached, 0).astype(np.uint8)
    return levels


def level_of(threshold: float, edges: Edges) -> int:
    """The level from which on voxels are called at a threshold that is one of the edges."""
    return int(np.searchsorted(edges, threshold)) + 1


def window_8_bit(image: FloatArray, window: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """An image with its window (values shown as black and white) spread over 0 to 255; values outside are clipped.

    >>> window_8_bit(np.array([-1.0, 0.5, 2.0], np.float32), (0.0, 1.0))
    array([  0, 128, 255], dtype=uint8)
    """
    low, high = window
    shown: npt.NDArray[np.uint8] = np.rint(np.clip((image - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    return shown
