"""Boxes in slices: a grid, random positions, and masks of their pixels.

A box is (x0, y0, x1, y1) in pixels, x1 and y1 excluded.
"""

import math

import numpy as np
import numpy.typing as npt
import torch

from uad_bench.method.transfer import sent

Boxes = npt.NDArray[np.int64]  # (B, 4)


def box_sides(shape: tuple[int, int], patch: float) -> tuple[int, int]:
    """Sides of a box in slices (X, Y), in pixels; `patch` up to 1 is a fraction of each side, above 1 pixels."""
    x, y = (min(side, math.ceil(side * patch) if patch <= 1 else round(patch)) for side in shape)
    return x, y


def grid_boxes(shape: tuple[int, int], sides: tuple[int, int]) -> Boxes:
    """Boxes (B, 4) of a grid that covers every pixel once; those at the far border are truncated."""
    x, y = (range(0, whole, side) for whole, side in zip(shape, sides, strict=True))
    corners = [(i, j, i + sides[0], j + sides[1]) for i in x for j in y]
    return np.minimum(np.array(corners, np.int64), [*shape, *shape])


def random_boxes(
    count: int, shape: tuple[int, int], sides: tuple[int, int], rng: np.random.Generator
) -> Boxes:
    """Whole boxes (count, 4) at uniform random positions inside the slice."""
    corners = rng.integers(0, np.subtract(shape, sides) + 1, size=(count, 2))
    return np.concatenate([corners, corners + sides], axis=1)


def box_masks(boxes: Boxes, shape: tuple[int, int], device: str | torch.device) -> torch.Tensor:
    """Masks of the boxes' pixels, bool (B, 1, X, Y)."""
    (corners,) = sent([torch.from_numpy(boxes)], device)
    x0, y0, x1, y1 = corners.T[:, :, None]
    x, y = (torch.arange(side, device=device) for side in shape)
    along_x, along_y = (x >= x0) & (x < x1), (y >= y0) & (y < y1)
    both: torch.Tensor = along_x[:, None, :, None] & along_y[:, None, None, :]
    return both
