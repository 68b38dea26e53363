"""Random intensity augmentation of whole batches on the device, with torchio's formulas and default ranges.

Images are float32 (n, X, Y), each with its own random parameters. torchio works volume by volume on the CPU;
its transforms that extend across slices (blur, ghosting) are limited to the slice here.
"""

from functools import lru_cache

import torch

ORDER = 3  # of the polynomial of the log bias field
PROBABILITIES = (0.5, 0.25, 0.25, 0.5)  # gamma, bias field, blur, ghosting (settings of Behrendt et al. 2025)


def augment_intensity(
    images: torch.Tensor,
    height: torch.Tensor,
    spacing: tuple[float, float],
    rng: torch.Generator,
) -> torch.Tensor:
    """Images (n, C, X, Y), at least 0, after random gamma, bias field, blur and ghosting.

    Each is applied with its own probability (`PROBABILITIES`). Every modality is an image of its own.
    Parameters are drawn for all images, so that an image's do not depend on which transforms the others
    receive.

        height: of each slice in its volume, (n,) from -1 to 1.
        spacing: mm per pixel along x and y.
    """
    flat = images.float().flatten(0, 1)
    height = height.repeat_interleave(images.shape[1])
    count, size = len(flat), len(PROBABILITIES)
    applied = (_uniform((count, size), rng) < _constants(PROBABILITIES, flat.device)).float()
    exponent = torch.exp(applied[:, 0] * (0.6 * _uniform((count,), rng) - 0.3))
    coefficients = applied[:, 1, None, None, None] * (_uniform((count,) + (ORDER + 1,) * 3, rng) - 0.5)
    deviation = applied[:, 2, None] * 2 * _uniform((count, 2), rng) / _constants(spacing, flat.device)
    ghosts, axis = (4 + 7 * _uniform((count,), rng)).long(), (2 * _uniform((count,), rng)).long()
    strength = applied[:, 3] * (0.5 + 0.5 * _uniform((count,), rng))
    changed = bias_field(flat ** exponent[:, None, None], height, coefficients)
    return ghosting(blur(changed, deviation), ghosts, strength, axis).view_as(images)


@lru_cache(maxsize=16)  # copying them in every step would make the CPU wait for the GPU
def _constants(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """Float32 (n,) on the device."""
    return torch.tensor(values, device=device)


def bias_field(images: torch.Tensor, height: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    """Images multiplied by the exponential of a polynomial of third order in coordinates from -1 to 1 along x, y and z.

    coefficients: (n, 4, 4, 4), of x^i y^j z^k; those with i + j + k > 3 are ignored.
    """
    degree = torch.arange(ORDER + 1, device=images.device)
    low = degree[:, None, None] + degree[:, None] + degree <= ORDER
    x, y = (_coordinates(side, images.device)[:, None] ** degree for side in images.shape[1:])
    logarithm = torch.einsum("nijk,xi,yj,nk->nxy", coefficients * low, x, y, height[:, None] ** degree)
    return images * logarithm.exp()


def blur(images: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    """Images smoothed by a Gaussian.

    deviation: standard deviations (n, 2), in pixels along x and y; 0 leaves an image unchanged.
    """
    along_x, along_y = map(_gaussian_matrix, images.shape[1:], deviation.T)
    return _along_axes(images, along_x, along_y)


def ghosting(
    images: torch.Tensor, ghosts: torch.Tensor, strength: torch.Tensor, axis: torch.Tensor
) -> torch.Tensor:
    """Ghosting artefacts along one axis: every `ghosts`-th line of k-space is attenuated by `strength`.

    The central line is not attenuated.

        ghosts: int64 (n,).
        strength: (n,) from 0 to 1.
        axis: int64 (n,), 0 for x, 1 for y.
    """
    matrices = [
        _ghosting_matrix(side, ghosts, strength * (axis == number))
        for number, side in enumerate(images.shape[1:])
    ]
    return _along_axes(images, *matrices)


def _gaussian_matrix(side: int, deviation: torch.Tensor) -> torch.Tensor:
    """Normalised smoothing of a line of pixels, (n, side, side); nothing beyond its ends."""
    at = torch.arange(side, device=deviation.device)
    distance = (at[:, None] - at) / deviation.clamp(min=1e-3)[:, None, None]
    weight = torch.exp(-0.5 * distance.square())
    return weight / weight.sum(dim=2, keepdim=True)


def _ghosting_matrix(side: int, ghosts: torch.Tensor, strength: torch.Tensor) -> torch.Tensor:
    """Attenuation of k-space lines as a linear map of a line of pixels, (n, side, side).

    A product in k-space is a circular convolution; as in torchio the real part of the result is used.
    """
    line = torch.arange(side, device=ghosts.device)
    weakened = (line % ghosts[:, None] == 0) & (line != side // 2)
    kept = 1 - strength[:, None] * weakened
    impulse: torch.Tensor = torch.fft.ifft(torch.fft.ifftshift(kept, dim=1)).real
    return impulse[:, (line[:, None] - line) % side]


def _along_axes(images: torch.Tensor, along_x: torch.Tensor, along_y: torch.Tensor) -> torch.Tensor:
    """A x A'^T for every image x, with its A along x and its A' along y."""
    return along_x @ images @ along_y.transpose(1, 2)


def _coordinates(side: int, device: torch.device) -> torch.Tensor:
    """Coordinates of the pixels along an axis, from -1 to 1."""
    return torch.linspace(-1, 1, side, device=device) if side > 1 else torch.zeros(1, device=device)


def _uniform(shape: tuple[int, ...], rng: torch.Generator) -> torch.Tensor:
    return torch.rand(shape, generator=rng, device=rng.device)
