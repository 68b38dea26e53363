"""Embedding of a slice's height."""

import math

import torch


def sinusoidal(value: torch.Tensor, dim: int, base: float = 10000.0) -> torch.Tensor:
    """Sinusoidal embedding (n, dim) of `value` (n,) (Vaswani et al. 2017, section 3.5).

    Entry 2i is sin(value / base^(2i / dim)), entry 2i + 1 the cosine of the same angle.
    """
    even = torch.arange(0, dim, 2, device=value.device, dtype=torch.float32)
    angle = value.float()[:, None] * torch.exp(even * (-math.log(base) / dim))
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)[:, :dim]
