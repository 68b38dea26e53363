"""Random changes of a slice's intensities, whole batches at once on the device: torchio's defaults, its formulas.

Images are float32 (n, X, Y), each changed by numbers of its own. torchio works volume by volume on the CPU,
which a GPU would wait for; where it reaches across slices (blur, ghosting) we stay inside of the slice.
"""

import torch

ORDER = 3  # of the polynomial in the bias field's logarithm
PROBABILITIES = (
    0.5,
    0.25,
    0.25,
    0.5,
)  # gamma, bias field, blur, ghosting (Behrendt et al. 2025, published settings)


def augment_intensity(
    images: torch.Tensor,
    height: torch.Tensor,
    spacing: tuple[float, float],
    rng: torch.Generator,
) -> torch.Tensor:
    """Images (n, C, X, Y), at least 0, after gamma, bias field, blur and ghosting, each or none of them by chance.

    height: of each slice in its volume, (n,) from -1 to 1; spacing: mm along x and y. Every modality is an image
    of its own. Numbers are drawn from `rng` for all, so that a slice's do not depend on its neighbours' luck.
    """
    flat = images.float().flatten(0, 1)
    height = height.repeat_interleave(images.shape[1])
    count, size = len(flat), len(PROBABILITIES)
    use = (_uniform((count, size), rng) < torch.tensor(PROBABILITIES, device=flat.device)).float()
    exponent = torch.exp(use[:, 0] * (0.6 * _uniform((count,), rng) - 0.3))
    coefficients = use[:, 1, None, None, None] * (_uniform((count,) + (ORDER + 1,) * 3, rng) - 0.5)
    deviation = use[:, 2, None] * 2 * _uniform((count, 2), rng) / torch.tensor(spacing, device=flat.device)
    ghosts, axis = (4 + 7 * _uniform((count,), rng)).long(), (2 * _uniform((count,), rng)).long()
    strength = use[:, 3] * (0.5 + 0.5 * _uniform((count,), rng))
    changed = bias_field(flat ** exponent[:, None, None], height, coefficients)
    return ghosting(blur(changed, deviation), ghosts, strength, axis).view_as(images)


def bias_field(images: torch.Tensor, height: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    """Times the exponential of a polynomial of third order in places from -1 to 1 along x, y and z.

    coefficients: (n, 4, 4, 4), of x^i y^j z^k; those with i + j + k > 3 count as 0.
    """
    degree = torch.arange(ORDER + 1, device=images.device)
    low = degree[:, None, None] + degree[:, None] + degree <= ORDER
    x, y = (_coordinates(side, images.device)[:, None] ** degree for side in images.shape[1:])
    logarithm = torch.einsum("nijk,xi,yj,nk->nxy", coefficients * low, x, y, height[:, None] ** degree)
    return images * logarithm.exp()


def blur(images: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    """Smoothed by a Gaussian with deviations (n, 2), in pixels along x and y; 0 leaves an image as it is."""
    return _along_axes(
        images, *(_gaussian_matrix(s, d) for s, d in zip(images.shape[1:], deviation.T, strict=True))
    )


def ghosting(
    images: torch.Tensor, ghosts: torch.Tensor, strength: torch.Tensor, axis: torch.Tensor
) -> torch.Tensor:
    """Faint copies of the head along one axis: every `ghosts`-th line of k-space loses `strength` of itself.

    ghosts: int64 (n,); strength: (n,) from 0 to 1; axis: int64 (n,), 0 for x, 1 for y. The middle line stays.
    """
    matrices = [
        _ghosting_matrix(side, ghosts, strength * (axis == number))
        for number, side in enumerate(images.shape[1:])
    ]
    return _along_axes(images, *matrices)


def _gaussian_matrix(side: int, deviation: torch.Tensor) -> torch.Tensor:
    """(n, side, side): the normalised smoothing of a line of pixels; beyond its ends there is nothing."""
    at = torch.arange(side, device=deviation.device)
    distance = (at[:, None] - at) / deviation.clamp(min=1e-3)[:, None, None]
    weight = torch.exp(-0.5 * distance.square())
    return weight / weight.sum(dim=2, keepdim=True)


def _ghosting_matrix(side: int, ghosts: torch.Tensor, strength: torch.Tensor) -> torch.Tensor:
    """(n, side, side): weakening of k-space lines, as what it does to a line of pixels.

    A product in k-space is a circular convolution; of complex results the real part is kept, as torchio does.
    """
    line = torch.arange(side, device=ghosts.device)
    weakened = (line % ghosts[:, None] == 0) & (line != side // 2)
    kept = 1 - strength[:, None] * weakened
    impulse: torch.Tensor = torch.fft.ifft(torch.fft.ifftshift(kept, dim=1)).real
    return impulse[:, (line[:, None] - line) % side]


def _along_axes(images: torch.Tensor, along_x: torch.Tensor, along_y: torch.Tensor) -> torch.Tensor:
    """A x A'^T for every image x, its A along x and its A' along y."""
    return along_x @ images @ along_y.transpose(1, 2)


def _coordinates(side: int, device: torch.device) -> torch.Tensor:
    """Pixels' places along an axis, from -1 to 1."""
    return torch.linspace(-1, 1, side, device=device) if side > 1 else torch.zeros(1, device=device)


def _uniform(shape: tuple[int, ...], rng: torch.Generator) -> torch.Tensor:
    return torch.rand(shape, generator=rng, device=rng.device)
