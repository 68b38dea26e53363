"""Simplex noise (Perlin 2001) in octaves, for many fields at once; after the description of Gustavson 2005.

The papers use OpenSimplex, which has another lattice. Its cells are twice as long, so wavelengths are doubled
here, and each octave is scaled to its standard deviation: spectra agree within a few per cent (tests compare
box means and correlations with those of the package opensimplex 0.4.5.1).
"""

import math
from collections.abc import Iterable
from functools import lru_cache, reduce
from itertools import product
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from uad_bench.method.transfer import sent

PERIOD = 256  # length of a permutation table; the lattice repeats after as many cells along an axis
REACH = (
    0.5  # squared distance at which a corner's weight reaches 0; the usual 0.6 in 3D gives discontinuities
)
DIRECTIONS = {2: 16, 3: 12}  # number of axes: number of gradients
#: Number of axes: factor that gives one octave the standard deviation of the package, 0.367 and 0.315.
SCALES = {2: 67.5, 3: 87.7}
WAVELENGTH_RATIO = 2.0  # length of OpenSimplex's cells relative to ours


def simplex_fields(
    count: int,
    shape: tuple[int, int],
    rng: np.random.Generator,
    device: str,
    *,
    octaves: int = 6,
    persistence: float = 0.8,
    wavelength: float = 64.0,
) -> torch.Tensor:
    """Independent fields of 2D simplex noise, float32 (count, X, Y), on `device`.

    The first octave has structures of about `wavelength` pixels and amplitude 1; each further one has half
    the wavelength and `persistence` times the amplitude (AnoDDPM, Wyatt et al. 2022). Not standardised: over
    many fields the mean is 0, the standard deviation 0.59 and the range about -2 to 2; the mean of a single
    field is rarely 0.
    """
    pixels = [np.arange(side) for side in shape]
    return _octaves(count, pixels, rng, device, (octaves, persistence, wavelength))


def simplex_volume_fields(  # noqa: PLR0913  # parameters of the noise, named as in the papers
    count: int,
    shape: tuple[int, int],
    third: float,
    rng: np.random.Generator,
    device: str,
    *,
    octaves: int = 6,
    persistence: float = 0.8,
    wavelength: float = 64.0,
) -> torch.Tensor:
    """Planes of independent volumes of 3D simplex noise, float32 (count, X, Y), at coordinate `third`, in pixels.

    As `simplex_fields`, with a standard deviation of 0.51 and a range of about -2.3 to 2.3. AnoDDPM uses the
    timestep as the third coordinate: with an `rng` in the same state, close coordinates give similar planes.
    """
    pixels = [*(np.arange(side) for side in shape), np.full(1, third)]
    return _octaves(count, pixels, rng, device, (octaves, persistence, wavelength))


def simplex_noise(points: list[torch.Tensor], tables: torch.Tensor) -> torch.Tensor:
    """One octave at 2D or 3D points, float32 (K, X, Y): smooth, mean 0, standard deviation 0.367 or 0.315.

    Space, sheared along its diagonal, divides into simplices; each corner contributes the linear function of
    its gradient, weighted by (1/2 - r^2)^4 at distance r (Gustavson 2005, "Simplex noise demystified").

        points: one tensor per axis, in lattice units, which together broadcast to (K, X, Y).
        tables: int64 (K, 256), a permutation of 0 .. 255 in each row.
    """
    axes = len(points)
    squeeze, stretch = (math.sqrt(axes + 1) - 1) / axes, (1 - 1 / math.sqrt(axes + 1)) / axes
    cells = [torch.floor(p + _sum(points) * squeeze) for p in points]
    inside = [p - cell + _sum(cells) * stretch for p, cell in zip(points, cells, strict=True)]
    indices = [cell.long() for cell in cells]
    ranks, gradients = _ranks(inside), _gradients(axes, tables.device)[:, tables % DIRECTIONS[axes]]
    total = torch.zeros_like(inside[0])
    for corner in range(
        axes + 1
    ):  # the cell's origin, then one step per axis, in the order of the largest coordinates
        steps = [rank < corner for rank in ranks]
        offset = [p - step.float() + corner * stretch for p, step in zip(inside, steps, strict=True)]
        entry = _table_entry([i + step for i, step in zip(indices, steps, strict=True)], tables)
        slope = _sum(_gather(g, entry) * d for g, d in zip(gradients, offset, strict=True))
        total += (REACH - _sum(d * d for d in offset)).clamp(min=0).square().square() * slope
    return total * SCALES[axes]


def _octaves(
    count: int,
    pixels: list[npt.NDArray[Any]],
    rng: np.random.Generator,
    device: str,
    how: tuple[int, float, float],
) -> torch.Tensor:
    """Sum of all octaves of all fields, float32 (count, X, Y), at `pixels`: x, y and, in 3D, one z.

    Each octave has its own permutation table and starts at a random point of its lattice; at a lattice corner all
    octaves, and so all fields, would be 0.
    """
    octaves, persistence, wavelength = how
    tables = rng.permuted(np.tile(np.arange(PERIOD), (count * octaves, 1)), axis=1)
    starts = PERIOD * rng.random((count * octaves, len(pixels), 1))
    wavelengths = np.tile(WAVELENGTH_RATIO * wavelength / 2.0 ** np.arange(octaves), count)[:, None]
    points = [_along(i, at / wavelengths + starts[:, i]) for i, at in enumerate(pixels)]
    amplitudes = torch.tensor([persistence**i for i in range(octaves)])
    *points, table, amplitudes = sent([*points, torch.from_numpy(tables), amplitudes], device)  # one copy
    noise = simplex_noise(points, table)
    # A sum instead of a matrix product, which autocast would compute in bf16.
    return (noise.view(count, octaves, pixels[0].size, pixels[1].size) * amplitudes[:, None, None]).sum(dim=1)


def _along(axis: int, values: npt.NDArray[np.float64]) -> torch.Tensor:
    """Coordinates (K, n) as float32 (K, n, 1), (K, 1, n) or (K, 1, 1): along x, along y, third."""
    found = torch.from_numpy(values).float()
    return found[:, None, :] if axis == 1 else found[:, :, None]


def _ranks(parts: list[torch.Tensor]) -> list[torch.Tensor]:
    """For each coordinate the number of larger ones; of equal ones the earlier counts as larger."""
    return [
        _sum(((q >= p) if j < i else (q > p)).long() for j, q in enumerate(parts) if j != i)
        for i, p in enumerate(parts)
    ]


@lru_cache(maxsize=16)  # copying them for every field would make the CPU wait for the GPU
def _gradients(axes: int, device: torch.device) -> torch.Tensor:
    """Unit gradients (axes, n): directions on the circle, or towards the midpoints of a cube's edges."""
    if axes == 2:
        turn = torch.arange(DIRECTIONS[2]) * (math.tau / DIRECTIONS[2])
        return torch.stack([turn.cos(), turn.sin()]).to(device)
    edges = [point for point in product((-1.0, 0.0, 1.0), repeat=3) if point.count(0.0) == 1]
    return (torch.tensor(edges).T / math.sqrt(2)).to(device)


def _table_entry(corners: list[torch.Tensor], tables: torch.Tensor) -> torch.Tensor:
    """Table entry of a lattice point, which selects its gradient: T[i] + j in 2D, T[T[i] + j] + k in 3D."""
    entry = corners[0] & (PERIOD - 1)
    for corner in corners[1:]:
        entry = (_gather(tables, entry) + corner) & (PERIOD - 1)
    return entry


def _gather(tables: torch.Tensor, entry: torch.Tensor) -> torch.Tensor:
    """Rows of tables (K, 256) at `entry` (K, X, Y)."""
    return tables.gather(1, entry.flatten(1)).view_as(entry)


def _sum(parts: Iterable[torch.Tensor]) -> torch.Tensor:
    return reduce(add, parts)
