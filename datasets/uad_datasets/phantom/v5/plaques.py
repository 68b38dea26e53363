"""Lesions of multiple sclerosis, drawn at 1 mm one by one: each has its exact volume, whatever the grid of the scan."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_datasets.phantom.grid import COARSE_SHAPE, COARSE_SPACING, Array, coarse_field
from uad_datasets.phantom.lesions import supratentorial
from uad_datasets.phantom.v5.anatomy import DetailedAnatomy, DetailedTissue
from uad_datasets.phantom.v5.lattice import Lattice

#: Distance of small lesions to a lateral ventricle: limits of the classes in mm, and the share of lesions in each.
DISTANCES, SHARES = (0.0, 5.0, 11.0, 19.0, 29.0, 34.0, 57.0), (0.10, 0.15, 0.25, 0.25, 0.15, 0.10)
#: Lesions above this volume, mm³, lie around the ventricles and spread along them.
CONFLUENT = 400.0
#: How often another position is tried where a lesion would touch an earlier one.
TRIALS = 12

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Surroundings:
    """What decides where lesions grow, at 2 mm, (*SHAPE): obstacle (0 in white matter), distance in mm, roughness."""

    obstacle: Array
    distance: Array
    rough: Array


@dataclass(frozen=True)
class Chances:
    """The chance of each coarse node to be the centre of a lesion: the nodes and their running sum."""

    nodes: npt.NDArray[np.intp]
    sums: npt.NDArray[np.float64]

    @classmethod
    def of(cls, weight: Array) -> "Chances":
        """The chances in proportion to `weight`, (*COARSE_SHAPE)."""
        nodes = np.flatnonzero(weight)
        return cls(nodes, np.cumsum(weight.ravel()[nodes], dtype=np.float64))

    def draw(self, rng: np.random.Generator) -> Array:
        """A position (3,), mm: a node plus up to half a node spacing."""
        place = np.searchsorted(self.sums, rng.random() * self.sums[-1], side="right")
        node = np.unravel_index(self.nodes[min(place, self.nodes.size - 1)], COARSE_SHAPE)
        return np.asarray((np.array(node) + rng.uniform(-0.5, 0.5, 3)) * COARSE_SPACING, dtype=np.float32)


def draw_plaques(
    rng: np.random.Generator,
    anatomy: DetailedAnatomy,
    tissue: DetailedTissue,
    volumes: npt.NDArray[np.float64],
) -> Labels:
    """Lesions of the given volumes (mm³) on the 1 mm grid, numbered from 1; none touches another."""
    distance = ventricle_distance(anatomy)
    obstacle = 2.5 * tissue.volume(0) + 1.0 * tissue.volume(1) + 9.0 * ~tissue.brain_mask
    lattice = Lattice(2)
    around = Surroundings(
        obstacle.astype(np.float32), lattice.fine(distance), lattice.fine(coarse_field(rng, 4.5))
    )
    labels = np.zeros(Lattice(1).shape, dtype=np.int32)
    small, deep = _weights(anatomy, distance)
    for number, volume in enumerate(volumes, 1):
        _grow(rng, labels, number, volume, around, deep if volume > CONFLUENT else small)
    return labels


def ventricle_distance(anatomy: DetailedAnatomy) -> Array:
    """The distance to the lateral ventricles at the coarse nodes, mm."""
    ventricles = anatomy.coarse(anatomy.atlas.ventricles) > 0.4
    return np.asarray(ndimage.distance_transform_edt(~ventricles) * COARSE_SPACING, dtype=np.float32)


def _weights(anatomy: DetailedAnatomy, distance: Array) -> tuple[Chances, Chances]:
    """The chance of each coarse node to be the centre of a small lesion, and of a confluent one."""
    white = anatomy.coarse(anatomy.atlas.tissues[2])
    suited = np.where((white > 0.35) & (anatomy.depth() > 9), white, 0) * (
        supratentorial() + np.float32(0.05)
    )
    small = np.zeros_like(suited)
    for low, high, share in zip(DISTANCES, DISTANCES[1:], SHARES, strict=False):
        within = (distance >= low) & (distance < high)
        small += np.where(within, share * suited / max(float(suited[within].sum()), 1e-6), 0)
    return Chances.of(small), Chances.of(suited * np.exp(-((distance / 9) ** 2)))


def _grow(
    rng: np.random.Generator,
    labels: Labels,
    number: int,
    volume: float,
    around: Surroundings,
    chances: Chances,
) -> None:
    """Write one lesion into `labels`: the voxels that are easiest to reach from its centre."""
    voxels = max(round(volume), 1)
    radius = (3 * volume / (4 * np.pi)) ** (1 / 3)
    reach = int(np.ceil(radius * (2.4 if volume > CONFLUENT else 1.6))) + 2
    for _ in range(TRIALS):
        corner, box = _box(chances.draw(rng), reach, labels.shape)
        cost = _cost(rng, corner, box, around, radius, volume > CONFLUENT)
        chosen = _cheapest(cost, voxels)
        near = ndimage.binary_dilation(chosen, np.ones((3, 3, 3)))
        if not labels[box][near].any():
            break
        chosen &= ~ndimage.binary_dilation(labels[box] > 0, np.ones((3, 3, 3)))
    if chosen.any():
        labels[box][_main_part(chosen)] = number


def _box(centre: Array, reach: int, shape: tuple[int, ...]) -> tuple[Array, tuple[slice, ...]]:
    """The centre in voxels of the 1 mm grid relative to a box around it, and the box, whose start is even."""
    voxel = centre + np.float32(0.5)
    starts = [max(int(v) - reach, 0) // 2 * 2 for v in voxel]
    stops = [min(int(v) + reach + 1, n) for v, n in zip(voxel, shape, strict=True)]
    box = tuple(slice(a, a + (b - a) // 2 * 2) for a, b in zip(starts, stops, strict=True))
    return voxel - np.array(starts, dtype=np.float32), box


def _cost(
    rng: np.random.Generator,
    centre: Array,
    box: tuple[slice, ...],
    around: Surroundings,
    radius: float,
    spreads: bool,
) -> Array:
    """How hard each voxel of the box is to reach: distance in radii, obstacles, and the ventricles if it spreads."""
    half = tuple(slice(one.start // 2, one.stop // 2) for one in box)
    fields = [
        field[half].repeat(2, 0).repeat(2, 1).repeat(2, 2)
        for field in (around.obstacle, around.distance, around.rough)
    ]
    obstacle, distance, rough = fields
    stretch = np.exp(np.clip(rng.normal(0, 0.25, 3), -0.5, 0.5)).astype(np.float32)
    offsets = np.ogrid[tuple(slice(0, n) for n in obstacle.shape)]
    squared = sum(((o - c) / (s * radius)) ** 2 for o, c, s in zip(offsets, centre, stretch, strict=True))
    away = np.sqrt(np.asarray(squared, dtype=np.float32))
    if spreads:
        return np.asarray(0.42 * away + distance / np.float32(radius) + obstacle + 0.16 * rough)
    return np.asarray(away + 0.5 * obstacle + 0.12 * rough)


def _cheapest(cost: Array, voxels: int) -> npt.NDArray[np.bool_]:
    """The voxels of least cost."""
    limit = np.partition(cost, min(voxels, cost.size) - 1, axis=None)[min(voxels, cost.size) - 1]
    return np.asarray(cost <= limit)


def _main_part(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest component of a mask, 26 neighbours."""
    parts, count = ndimage.label(mask, np.ones((3, 3, 3)))
    return np.asarray(parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])) if count > 1 else mask
