"""Noise of slices and of tokens.

Coarse noise is Gaussian random numbers on a coarse grid, upsampled to the slice (Kascenas et al. 2022); noise of tokens
is in proportion to their length (You et al. 2022).
"""

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


def jittered(tokens: torch.Tensor, scale: float, rng: torch.Generator) -> torch.Tensor:
    """Tokens (..., channels) plus normal noise of standard deviation `scale` x length of the token / channels."""
    noise = torch.randn(tokens.shape, generator=rng, device=tokens.device)
    length = torch.linalg.vector_norm(tokens, dim=-1, keepdim=True)
    noisy: torch.Tensor = tokens + noise * (length / tokens.shape[-1] * scale)
    return noisy
