"""Boxes of slices: a grid that covers every pixel once, boxes anywhere, and the pixels inside of them.

A box is (x0, y0, x1, y1), the last two not included.
"""

import math

import numpy as np
import numpy.typing as npt
import torch

Boxes = npt.NDArray[np.int64]  # (B, 4)


def box_sides(shape: tuple[int, int], patch: float) -> tuple[int, int]:
    """Pixels of a box in slices (X, Y): up to 1 `patch` is a share of each side, above it is pixels."""
    x, y = (min(side, math.ceil(side * patch) if patch <= 1 else round(patch)) for side in shape)
    return x, y


def grid_boxes(shape: tuple[int, int], sides: tuple[int, int]) -> Boxes:
    """Boxes side by side from the first pixel on; those at the far border are cut there. Every pixel is in one."""
    x, y = (range(0, whole, side) for whole, side in zip(shape, sides, strict=True))
    corners = [(i, j, i + sides[0], j + sides[1]) for i in x for j in y]
    return np.minimum(np.array(corners, np.int64), [*shape, *shape])


def random_boxes(
    count: int, shape: tuple[int, int], sides: tuple[int, int], rng: np.random.Generator
) -> Boxes:
    """Whole boxes anywhere inside the slice."""
    corners = rng.integers(0, np.subtract(shape, sides) + 1, size=(count, 2))
    return np.concatenate([corners, corners + sides], axis=1)


def inside(boxes: Boxes, shape: tuple[int, int], device: str | torch.device) -> torch.Tensor:
    """Bool (B, 1, X, Y): the pixels of each box."""
    x0, y0, x1, y1 = torch.from_numpy(boxes).to(device).T[:, :, None]
    x, y = (torch.arange(side, device=device) for side in shape)
    along_x, along_y = (x >= x0) & (x < x1), (y >= y0) & (y < y1)
    both: torch.Tensor = along_x[:, None, :, None] & along_y[:, None, None, :]
    return both
