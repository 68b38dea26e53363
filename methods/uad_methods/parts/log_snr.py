"""Variance-preserving diffusion in continuous time: shifted cosine schedule, v-parametrisation.

z_t = alpha x + sigma n with alpha^2 + sigma^2 = 1; the schedule gives log(alpha^2 / sigma^2) for t in [0, 1], falling
from 15 to -15 before the shift (Hoogeboom et al. 2023, arXiv 2301.11093). The network predicts v = alpha n - sigma x
(Salimans and Ho 2022, arXiv 2202.00512). Slices are (n, C, X, Y) in [-1, 1], alpha and sigma broadcast to them.
"""

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

LARGEST = 15.0  # of the log signal-to-noise ratio before the shift; the smallest is -15
REFERENCE_SIDE = 56  # pixels: slices of this side have the unshifted schedule

Values = npt.NDArray[np.float64]
Numbers = TypeVar("Numbers", float, torch.Tensor)


def cosine_log_snr(t: npt.ArrayLike, side: int) -> Values:
    """log(alpha^2 / sigma^2) at times `t` for slices of `side` pixels: the cosine schedule, shifted by 2 ln(56 / side).

    The shift keeps the signal-to-noise ratio of the slice reduced to 56 pixels. Of the same shape as `t`.
    """
    first, last = math.atan(math.exp(-LARGEST / 2)), math.atan(math.exp(LARGEST / 2))
    angles = first + np.asarray(t, np.float64) * (last - first)
    return np.asarray(-2 * np.log(np.tan(angles)) + 2 * math.log(REFERENCE_SIDE / side))


def alpha_sigma(log_snr: Values) -> tuple[Values, Values]:
    """alpha and sigma of log(alpha^2 / sigma^2)."""
    return 1 / np.sqrt(1 + np.exp(-log_snr)), 1 / np.sqrt(1 + np.exp(log_snr))


def clean_from_v(z: torch.Tensor, v: torch.Tensor, alpha: Numbers, sigma: Numbers) -> torch.Tensor:
    """x, given z and v."""
    return alpha * z - sigma * v


def noise_from_v(z: torch.Tensor, v: torch.Tensor, alpha: Numbers, sigma: Numbers) -> torch.Tensor:
    """The noise n, given z and v."""
    return sigma * z + alpha * v


def mean_weight(t: npt.ArrayLike, earlier: npt.ArrayLike, side: int) -> Values:
    """Factor of x in the mean of q(z_s | z_t, x) for s = `earlier` < t: (1 - r) alpha_s, r = SNR_t / SNR_s.

    The means for two slices x and the same z_t differ by this factor times the difference of the slices.
    """
    now, then = cosine_log_snr(t, side), cosine_log_snr(earlier, side)
    return np.asarray(-np.expm1(now - then) * alpha_sigma(then)[0])
