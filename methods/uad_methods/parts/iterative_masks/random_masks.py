"""Random training masks of IterMask2 (Liang et al. 2024): clouds of squares in the brain."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from uad_bench.method.transfer import sent

SIDE = 240  # pixels for which the lengths below are given; they grow with the longer side of a slice
WIDE = 2 / 3  # share of wide clouds
UNITS = (2.5, 10.0)  # of a narrow and a wide cloud, pixels
VARIANCE = (0.3, 10.0)  # along each axis, squared units
CORRELATION = 0.95  # largest magnitude
SQUARES = (4, 8, 16)  # sides, pixels
DENSITY = (
    (5, 20),
    (100, 200),
)  # least and most squares of the first side over the root of the variances' product
MIDDLE, LARGE = (5, 9), (3, 9)  # least and most squares of the second and the third side


class Clouds(NamedTuple):
    """Draws for n masks with at most K squares each.

    numbers: place of the centre among the brain pixels in [0, 1), standard deviations along X and Y in pixels, and
        correlation: float64 (4, n). sides: of the squares, pixels, 0 for none: int16 (n, K). places: of row and column
        in their distributions, in [0, 1): float32 (2, n, K).
    """

    numbers: npt.NDArray[np.float64]
    sides: npt.NDArray[np.int16]
    places: npt.NDArray[np.float32]


def random_masks(brain: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Hidden pixels of slices with `brain`, bool (n, X, Y): a random cloud of squares within the brain, (n, X, Y).

    The cloud is a normal distribution over brain pixels around one of them. A square reaches from its corner to larger
    indices; row and column of the corner come from two different pixels of the cloud, as published. Draws are made on
    the CPU and sent without a wait.
    """
    clouds = draw_clouds(len(brain), max(brain.shape[1:]) / SIDE, rng)
    numbers, sides, places = sent([torch.from_numpy(part) for part in clouds], brain.device)
    density = cloud_density(brain, numbers)
    lines = zip(places, (density.sum(dim=2), density.sum(dim=1)), strict=True)
    rows, columns = (_covered(_drawn(weights, place), sides, weights.shape[1]) for place, weights in lines)
    return (torch.bmm(rows.transpose(1, 2), columns) > 0) & brain


def draw_clouds(count: int, scale: float, rng: np.random.Generator) -> Clouds:
    """Random clouds; `scale`: pixels of the slice over those of the published one."""
    wide = (rng.random(count) < WIDE).astype(np.int64)
    variances = rng.uniform(*VARIANCE, (2, count))
    deviations = np.sqrt(variances) * np.asarray(UNITS)[wide] * scale
    correlation = rng.uniform(-CORRELATION, CORRELATION, count)
    numbers = np.stack([rng.random(count), *deviations, correlation])
    least, most = np.asarray(DENSITY)[wide].T
    small = np.sqrt(variances.prod(axis=0)) * rng.integers(least, most + 1)
    others = [rng.integers(low, high + 1, count) for low, high in (MIDDLE, LARGE)]
    ends = np.cumsum([small.astype(np.int64), *others], axis=0)
    kind = (np.arange(ends.max()) >= ends[..., None]).sum(axis=0)  # (n, K): 3 beyond the last square
    sides = np.array([*(max(1, round(side * scale)) for side in SQUARES), 0], np.int16)[kind]
    return Clouds(numbers, sides, rng.random((2, *sides.shape), np.float32))


def cloud_density(brain: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """Density of each cloud, 1 at its centre and 0 outside the brain: float64 (n, X, Y). numbers: as in `Clouds`."""
    place, sd_x, sd_y, correlation = numbers[..., None, None]
    pixels = brain.flatten(1).cumsum(dim=1)
    wanted = (place[:, 0] * pixels[:, -1:]).long() + 1
    centre = torch.searchsorted(pixels, wanted).clamp(max=pixels.shape[1] - 1)[..., None]
    x, y = (torch.arange(side, device=brain.device) for side in brain.shape[1:])
    a = (x[:, None] - centre // len(y)) / sd_x
    b = (y - centre % len(y)) / sd_y
    distance = (a.square() - 2 * correlation * a * b + b.square()) / (1 - correlation.square())
    return torch.exp(-distance / 2) * brain


def _drawn(weights: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """Positions (n, K) in lines with `weights` (n, length), at `place` (n, K) of their cumulated distribution."""
    length = weights.shape[1]
    upto = torch.ones((length, length), dtype=weights.dtype, device=weights.device).triu()
    total = weights @ upto  # cumsum of floats has no deterministic form on a GPU
    return torch.searchsorted(total, place * total[:, -1:], right=True).clamp(max=length - 1)


def _covered(first: torch.Tensor, sides: torch.Tensor, length: int) -> torch.Tensor:
    """1 for the pixels `first` to `first + sides` of a line of `length`, else 0: float32 (n, K, length)."""
    at = torch.arange(length, device=first.device)
    return ((at >= first[..., None]) & (at < (first + sides)[..., None])).float()
