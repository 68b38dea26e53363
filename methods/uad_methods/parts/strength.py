"""Time index of cold diffusion with anomalies: the strength of a synthetic anomaly on a schedule (DISYRE)."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch

from uad_bench.method.transfer import sent

TIMES = 100
BETAS = (0.001, 0.2)  # first and last of the linear schedule


def strengths() -> npt.NDArray[np.float64]:
    """Strengths (100,) of the times 0 .. 99, falling from 0.9995 to 0.0045: sqrt of the products of 1 - beta."""
    return np.asarray(np.sqrt(np.cumprod(1 - np.linspace(*BETAS, TIMES))))


def times_of(strength: torch.Tensor) -> torch.Tensor:
    """Times int64 (n,) of the strengths nearest to `strength` (n,): 0 for the strongest anomaly, 99 for none."""
    return (strength[:, None] - _on_device(strength.device)).abs().argmin(dim=1)


def scored_times(count: int) -> list[int]:
    """`count` times at equal distances, from 99 downwards: 99, 74, 49, 24 for four."""
    return [TIMES - 1 - i * TIMES // count for i in range(count)]


@lru_cache(maxsize=16)  # copying them in every step would make the CPU wait for the GPU
def _on_device(device: torch.device) -> torch.Tensor:
    (found,) = sent([torch.from_numpy(strengths().astype(np.float32))], device)
    return found
