"""OpenSimplex noise in two dimensions (Spencer 2014), in the octaves of AnoDDPM (Wyatt et al. 2022), as published.

Written from the description of the noise: points of a triangular lattice have a gradient each, and contribute its
linear function, weighted by (2 - r^2)^4, to all points nearer than sqrt(2), the length of an edge.

All octaves of a field share one permutation table and one origin, as in the published code. A field is therefore not
stationary: at its first pixel all octaves are 0, and near it they are correlated, so that the standard deviation is
0.76 in the first 16 x 16 pixels and 0.57 far from them. `simplex` has fields with independent octaves.
"""

import math

import numpy as np
import numpy.typing as npt
import torch

from uad_bench.method.transfer import sent

PERIOD = 256  # length of a permutation table; the lattice repeats after as many cells along an axis
STRETCH, SQUISH = (1 / math.sqrt(3) - 1) / 2, (math.sqrt(3) - 1) / 2  # plane -> square lattice, and back
NORM = 47.0  # scales one octave to about -1 to 1
#: Gradients by bits 1 to 3 of a table's entry.
GRADIENTS = (
    (5.0, 2.0),
    (2.0, 5.0),
    (-5.0, 2.0),
    (-2.0, 5.0),
    (5.0, -2.0),
    (2.0, -5.0),
    (-5.0, -2.0),
    (-2.0, -5.0),
)
#: Lattice points that can be nearer than sqrt(2) to a point of the cell (0, 0), as steps along the axes of the lattice.
NEIGHBOURS = ((0, 0), (1, 0), (0, 1), (1, 1), (-1, 1), (1, -1), (2, 0), (0, 2))


def published_fields(
    count: int,
    shape: tuple[int, int],
    rng: np.random.Generator,
    device: str,
    *,
    octaves: int = 6,
    persistence: float = 0.8,
    wavelength: float = 64.0,
) -> torch.Tensor:
    """Independent fields of simplex noise as the papers draw them, float32 (count, X, Y), on `device`.

    The first octave has structures of about `wavelength` pixels and amplitude 1; each further one has half the
    wavelength and `persistence` times the amplitude. Not standardised: mean 0 over many fields, range about -2 to 2.
    """
    wavelengths = wavelength / 2.0 ** np.arange(octaves)
    arrays = [
        torch.from_numpy(rng.permuted(np.tile(np.arange(PERIOD), (count, 1)), axis=1)),
        *(torch.from_numpy(_lattice_units(side, wavelengths)) for side in shape),
        torch.tensor([persistence**i for i in range(octaves)]),
        torch.tensor(GRADIENTS),
    ]
    tables, x, y, amplitudes, gradients = sent(arrays, device)
    noise = open_simplex(x[:, :, None], y[:, None, :], tables, gradients)
    # A sum instead of a matrix product, which autocast would compute in bf16.
    return (noise * amplitudes[:, None, None]).sum(dim=1)


def open_simplex(
    x: torch.Tensor, y: torch.Tensor, tables: torch.Tensor, gradients: torch.Tensor
) -> torch.Tensor:
    """One octave at points in lattice units, float32 (K, *shape of x and y together), for K permutation tables.

    x, y: tensors that broadcast to one shape. tables: int64 (K, 256), a permutation of 0 .. 255 in each row.
    gradients: `GRADIENTS` as a tensor on the same device.

    Only the corners of a point's triangle and the one across its nearest edge can be nearer than sqrt(2); which ones
    depends on the point, so all eight of its cell are summed, and those farther away have weight 0.
    """
    along = (x + y) * STRETCH
    column, row = torch.floor(x + along), torch.floor(y + along)
    back = (column + row) * SQUISH
    inside_x, inside_y = x - column - back, y - row - back
    i, j = column.long(), row.long()
    total = torch.zeros((len(tables), *inside_x.shape), device=tables.device)
    for a, b in NEIGHBOURS:
        dx, dy = inside_x - a - (a + b) * SQUISH, inside_y - b - (a + b) * SQUISH
        weight = (2 - dx * dx - dy * dy).clamp(min=0).square().square()
        gradient = gradients[(_table_entry(tables, i + a, j + b) & 14) >> 1]
        total += weight * (gradient[..., 0] * dx + gradient[..., 1] * dy)
    return total / NORM


def _table_entry(tables: torch.Tensor, i: torch.Tensor, j: torch.Tensor) -> torch.Tensor:
    """T[T[i] + j] for every table and lattice point: int64 (K, *shape of i and j)."""
    first = tables[:, i & (PERIOD - 1)]
    second = (first + j) & (PERIOD - 1)
    return tables.gather(1, second.flatten(1)).view_as(second)


def _lattice_units(side: int, wavelengths: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Pixels 0 .. side - 1 in units of each octave's wavelength: float32 (octaves, side)."""
    return (np.arange(side) / wavelengths[:, None]).astype(np.float32)
