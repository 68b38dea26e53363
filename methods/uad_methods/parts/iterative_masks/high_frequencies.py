"""High-frequency part of slices: the condition from which edges need not be guessed (Liang et al. 2024)."""

import torch

SIDE = 224  # pixels at which radii are given
FLOOR = 1e-6  # of the root mean square of a spectrum's amplitudes: below is the rounding of float32 images


def high_frequencies(images: torch.Tensor, radius: float) -> torch.Tensor:
    """Images (..., X, Y) whose low frequencies have amplitude 1 and their own phase; the others are unchanged.

    Frequencies are low within `radius` samples of a spectrum of 224 pixels, which is a wavelength of more than
    224 / radius pixels at any size. Where the spectrum is 0 the phase is rounding: such bins become 0. In double
    precision, so that condition and floor are the same for all Fourier transforms.
    """
    spectrum = torch.fft.rfft2(images.double())
    x, y = images.shape[-2:]
    amplitude = spectrum.abs()
    floor = FLOOR * images.double().square().sum(dim=(-2, -1), keepdim=True).sqrt()
    phase = torch.where(amplitude > floor, spectrum / amplitude.clamp(min=1e-300), torch.zeros_like(spectrum))
    changed = torch.where(low_frequencies(x, y, radius, images.device), phase, spectrum)
    filtered: torch.Tensor = torch.fft.irfft2(changed, s=(x, y))
    return filtered.to(images.dtype)


def low_frequencies(x: int, y: int, radius: float, device: torch.device | str) -> torch.Tensor:
    """Bool (X, Y // 2 + 1): the low frequencies in the order of `torch.fft.rfft2`."""
    along_x = (torch.arange(x, device=device, dtype=torch.float64) + x // 2) % x - x // 2
    along_y = torch.arange(y // 2 + 1, device=device, dtype=torch.float64)
    distance = (along_x * (SIDE / x)).square()[:, None] + (along_y * (SIDE / y)).square()
    low: torch.Tensor = distance < radius**2
    return low
