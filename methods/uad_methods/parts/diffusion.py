"""Diffusion (Ho et al. 2020): schedules, the way there in one step, the way back, and two parametrisations.

Timesteps count from 0 to T - 1; a paper that counts from 1 calls timestep 499 "500". Slices are (n, C, X, Y) in
[-1, 1], timesteps of a batch int64 (n,). `alpha_bar`, float64 (T,), falls from nearly 1 to nearly 0: the square of
the clean slice's share. The noise need not be Gaussian: AnoDDPM (Wyatt et al. 2022) puts simplex noise in its
place and keeps the formulas.
"""

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch

AlphaBar = npt.NDArray[np.float64]


def cosine(steps: int = 1000, *, offset: float = 0.008, largest: float = 0.999) -> AlphaBar:
    """alpha_bar of the cosine schedule (Nichol and Dhariwal 2021, formula 17); no beta above `largest`."""
    angles = (np.arange(steps + 1) / steps + offset) / (1 + offset) * (math.pi / 2)
    cosine_curve = np.cos(angles) ** 2
    betas = np.minimum(1 - cosine_curve[1:] / cosine_curve[:-1], largest)
    return np.cumprod(1 - betas, dtype=np.float64)


def linear(steps: int = 1000, *, first: float = 1e-4, last: float = 0.02) -> AlphaBar:
    """alpha_bar of betas that grow linearly (Ho et al. 2020, section 4), for T = 1000 from `first` to `last`.

    With fewer steps each adds as many times more noise, so that the end is as noisy.
    """
    betas = np.linspace(first, last, steps) * (1000 / steps)
    return np.cumprod(1 - betas, dtype=np.float64)


def coefficients(alpha_bar: AlphaBar, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What x_t holds of the clean slice and of the noise: their factors, float32 (n, 1, 1, 1) on t's device."""
    clean, noise = _coefficient_table(alpha_bar.tobytes(), t.device)[:, t, None, None, None]
    return clean, noise


@lru_cache(maxsize=16)  # a copy at every step would make the host wait for the device
def _coefficient_table(alpha_bar: bytes, device: torch.device) -> torch.Tensor:
    """Both factors at every timestep: float32 (2, T) on `device`."""
    alpha_bars = np.frombuffer(alpha_bar, np.float64)
    return torch.from_numpy(np.sqrt(np.stack([alpha_bars, 1 - alpha_bars]))).float().to(device)


def q_sample(clean: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, alpha_bar: AlphaBar) -> torch.Tensor:
    """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) e (Ho et al. 2020, formula 4)."""
    of_clean, of_noise = coefficients(alpha_bar, t)
    return of_clean * clean + of_noise * noise


def clean_from_noise(
    x: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, alpha_bar: AlphaBar
) -> torch.Tensor:
    """The x_0 that `noise` turns into x_t = `x`."""
    of_clean, of_noise = coefficients(alpha_bar, t)
    return (x - of_noise * noise) / of_clean


def noise_from_clean(
    x: torch.Tensor, clean: torch.Tensor, t: torch.Tensor, alpha_bar: AlphaBar
) -> torch.Tensor:
    """The noise that turns x_0 = `clean` into x_t = `x`."""
    of_clean, of_noise = coefficients(alpha_bar, t)
    return (x - of_clean * clean) / of_noise


def reverse_timesteps(start: int, every: int = 1) -> list[tuple[int, int]]:
    """The way back from timestep `start`: pairs (t, next t), the last of them (t, -1), -1 being the clean slice."""
    timesteps = [*range(start, -1, -every), -1]
    return list(pairwise(timesteps))


def reverse_step(
    x: torch.Tensor, clean: torch.Tensor, noise: torch.Tensor, step: tuple[int, int], alpha_bar: AlphaBar
) -> torch.Tensor:
    """x at the earlier of the timesteps `step` = (t, next t): the mean of q(x_next | x_t, x_0), and noise.

    clean: x_0 as it is guessed from x_t. The noise has the variance beta, the larger of the two that Ho et al.
    2020, section 3.2, name; where more than one timestep is left out, beta is that of them all (Nichol and
    Dhariwal 2021, section 4). The last step adds none.
    """
    now, to = float(alpha_bar[step[0]]), float(alpha_bar[step[1]]) if step[1] >= 0 else 1.0
    beta = 1 - now / to
    of_clean, of_x = math.sqrt(to) * beta / (1 - now), math.sqrt(now / to) * (1 - to) / (1 - now)
    deviation = math.sqrt(beta) if step[1] >= 0 else 0.0
    return of_clean * clean + of_x * x + deviation * noise
