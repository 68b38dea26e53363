"""Gaussian diffusion (Ho et al. 2020): schedules, forward and reverse process, and two parametrisations.

Timesteps count from 0 to T - 1; a paper that counts from 1 calls timestep 499 "500". Slices are (n, C, X, Y)
in [-1, 1], timesteps of a batch int64 (n,). `alpha_bar`, float64 (T,), decreases from nearly 1 to nearly 0;
its square root is the coefficient of the clean slice. The noise need not be Gaussian: AnoDDPM (Wyatt et al.
2022) uses simplex noise in the same formulas.
"""

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch

AlphaBar = npt.NDArray[np.float64]


def cosine(steps: int = 1000, *, offset: float = 0.008, largest: float = 0.999) -> AlphaBar:
    """alpha_bar (T,) of the cosine schedule (Nichol and Dhariwal 2021, eq. 17); beta is at most `largest`."""
    angles = (np.arange(steps + 1) / steps + offset) / (1 + offset) * (math.pi / 2)
    cosine_curve = np.cos(angles) ** 2
    betas = np.minimum(1 - cosine_curve[1:] / cosine_curve[:-1], largest)
    return np.cumprod(1 - betas, dtype=np.float64)


def linear(steps: int = 1000, *, first: float = 1e-4, last: float = 0.02) -> AlphaBar:
    """alpha_bar (T,) of betas that increase linearly from `first` to `last` for T = 1000 (Ho et al. 2020, section 4).

    For fewer steps the betas are multiplied by 1000 / T, so that the last timestep is as noisy.
    """
    betas = np.linspace(first, last, steps) * (1000 / steps)
    return np.cumprod(1 - betas, dtype=np.float64)


def coefficients(alpha_bar: AlphaBar, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Coefficients of the clean slice and of the noise in x_t: float32 (n, 1, 1, 1) each, on the device of `t`."""
    clean, noise = _coefficient_table(alpha_bar.tobytes(), t.device)[:, t, None, None, None]
    return clean, noise


@lru_cache(maxsize=16)  # copying it at every step would synchronise CPU and GPU
def _coefficient_table(alpha_bar: bytes, device: torch.device) -> torch.Tensor:
    """Both coefficients at every timestep: float32 (2, T) on `device`."""
    alpha_bars = np.frombuffer(alpha_bar, np.float64)
    return torch.from_numpy(np.sqrt(np.stack([alpha_bars, 1 - alpha_bars]))).float().to(device)


def q_sample(clean: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, alpha_bar: AlphaBar) -> torch.Tensor:
    """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise (Ho et al. 2020, eq. 4), (n, C, X, Y)."""
    of_clean, of_noise = coefficients(alpha_bar, t)
    return of_clean * clean + of_noise * noise


def clean_from_noise(
    x: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, alpha_bar: AlphaBar
) -> torch.Tensor:
    """x_0, given x_t = `x` and its noise; inverse of `q_sample`."""
    of_clean, of_noise = coefficients(alpha_bar, t)
    return (x - of_noise * noise) / of_clean


def noise_from_clean(
    x: torch.Tensor, clean: torch.Tensor, t: torch.Tensor, alpha_bar: AlphaBar
) -> torch.Tensor:
    """Noise, given x_t = `x` and x_0 = `clean`; inverse of `q_sample`."""
    of_clean, of_noise = coefficients(alpha_bar, t)
    return (x - of_clean * clean) / of_noise


def reverse_timesteps(start: int, every: int = 1) -> list[tuple[int, int]]:
    """Timesteps of the reverse process from `start`: pairs (t, next t); the last next t, -1, is the clean slice."""
    timesteps = [*range(start, -1, -every), -1]
    return list(pairwise(timesteps))


def reverse_step(
    x: torch.Tensor, clean: torch.Tensor, noise: torch.Tensor, step: tuple[int, int], alpha_bar: AlphaBar
) -> torch.Tensor:
    """x at the earlier timestep of `step` = (t, next t): the mean of q(x_next | x_t, x_0), plus noise.

        clean: x_0 as predicted from x_t.

    The noise has variance beta, the larger of the two choices of Ho et al. 2020, section 3.2; where timesteps
    are skipped, beta covers all of them (Nichol and Dhariwal 2021, section 4). The last step adds no noise.
    """
    now, to = float(alpha_bar[step[0]]), float(alpha_bar[step[1]]) if step[1] >= 0 else 1.0
    beta = 1 - now / to
    of_clean, of_x = math.sqrt(to) * beta / (1 - now), math.sqrt(now / to) * (1 - to) / (1 - now)
    deviation = math.sqrt(beta) if step[1] >= 0 else 0.0
    return of_clean * clean + of_x * x + deviation * noise
