"""Noise of slices and of tokens.

Noise of slices is Gaussian random numbers on one coarse grid (Kascenas et al. 2022) or on several grids, upsampled to
the slice; noise of tokens is in proportion to their length (You et al. 2022).
"""

import numpy as np
import torch
from torch.nn import functional


def coarse_shape(shape: tuple[int, int], cells: int) -> tuple[int, int]:
    """Shape of the coarse grid for slices (X, Y): `cells` along the longer side, square cells, at least 2 per side."""
    longer = max(shape)
    x, y = (max(2, round(cells * side / longer)) for side in shape)
    return x, y


def coarse_noise(
    count: int,
    channels: int,
    shape: tuple[int, int],
    cells: int,
    shift: tuple[int, int],
    rng: torch.Generator,
) -> torch.Tensor:
    """Noise (n, C, X, Y) on the generator's device, independent for each image and channel.

    Standard normal numbers on `coarse_shape`, upsampled bilinearly with aligned corners, then rolled by
    `shift` (x, y) pixels, so that the nodes of the grid do not always lie on the same pixels. Interpolation
    reduces the standard deviation to about 2/3.
    """
    coarse = torch.randn(
        count, channels, *coarse_shape(shape, cells), generator=rng, device=rng.device, dtype=torch.float32
    )
    field = functional.interpolate(coarse, size=shape, mode="bilinear", align_corners=True)
    return field.roll(shift, dims=(2, 3))


def pyramid_sides(shape: tuple[int, int], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Grids (X, Y) of `pyramid_noise` below the first: turn i = 0 .. 9 divides the sides of the one before by r^i.

    r is uniform in [2, 4), so turn 0 repeats the full size; the first grid with a side of 1 is the last.
    """
    sides, grids = shape, list[tuple[int, int]]()
    for turn in range(10):
        divisor = rng.uniform(2, 4) ** turn
        sides = max(1, int(sides[0] / divisor)), max(1, int(sides[1] / divisor))
        grids.append(sides)
        if 1 in sides:
            break
    return grids


def pyramid_noise(
    shape: tuple[int, int, int, int],
    discount: float,
    rng: np.random.Generator,
    torch_rng: torch.Generator,
    *,
    per_item: bool = False,
) -> torch.Tensor:
    """Noise (n, C, X, Y) of standard deviation 1 on the generator's device: Gaussian noise summed over resolutions.

    Turn i adds noise on the i-th of `pyramid_sides`, upsampled bilinearly, times `discount`^i. The sum is divided by
    the standard deviation of the whole batch, as in ANDi's published code, or of each item.
    """

    def gaussian(x: int, y: int) -> torch.Tensor:
        return torch.randn(*shape[:2], x, y, generator=torch_rng, device=torch_rng.device)

    noise = gaussian(*shape[2:])
    for turn, sides in enumerate(pyramid_sides(shape[2:], rng)):
        field = gaussian(*sides)
        if sides != shape[2:]:
            field = functional.interpolate(field, shape[2:], mode="bilinear", antialias=True)
        noise += field * discount**turn
    return noise / (noise.std(dim=(1, 2, 3), keepdim=True) if per_item else noise.std())


def jittered(tokens: torch.Tensor, scale: float, rng: torch.Generator) -> torch.Tensor:
    """Tokens (..., channels) plus normal noise of standard deviation `scale` x length of the token / channels."""
    noise = torch.randn(tokens.shape, generator=rng, device=tokens.device)
    length = torch.linalg.vector_norm(tokens, dim=-1, keepdim=True)
    noisy: torch.Tensor = tokens + noise * (length / tokens.shape[-1] * scale)
    return noisy
