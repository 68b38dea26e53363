"""The anatomy of a subject: the tissue at each position of the scan. Lesions may displace it, but never change it."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_datasets.phantom.atlas import TEMPLATE_ORIGIN, Atlas, without_holes
from uad_datasets.phantom.deform import compose, exponential, mass_effect, random_matrix, random_velocity
from uad_datasets.phantom.grid import (
    COARSE_SPACING,
    ORIGIN,
    SHAPE,
    SPACING,
    Array,
    coarse_field,
    coarse_positions,
    sample,
    to_fine,
)

#: The centre of rotation and scaling, in MNI152 mm: the middle of the brain.
MIDDLE = np.array([0.0, -17.0, 5.0])


@dataclass(frozen=True)
class Tissue:
    """The tissue of a scan. brain_mask: bool (*SHAPE); fractions: csf, gm and wm of its voxels, (3, voxels)."""

    brain_mask: npt.NDArray[np.bool_]
    fractions: Array

    def volume(self, index: int) -> Array:
        """The fraction of one tissue as a volume, (*SHAPE), 0 outside the brain."""
        volume = np.zeros(SHAPE, dtype=np.float32)
        volume[self.brain_mask] = self.fractions[index]
        return volume


@dataclass(frozen=True)
class Anatomy:
    """The map from scan to template: a displacement in mm (3, *COARSE_SHAPE), then a matrix about MIDDLE.

    widening: log-odds of CSF against tissue, (*COARSE_SHAPE): wide or narrow sulci.
    """

    atlas: Atlas
    matrix: npt.NDArray[np.float64]
    displacement: Array
    widening: Array

    def displaced(self, centre: Array, radius: float, strength: float) -> "Anatomy":
        """The anatomy displaced by a growth at `centre` (3,) mm; see `mass_effect`."""
        displacement = mass_effect(centre, radius, strength, self.mobility())
        return replace(self, displacement=compose(self.displacement, displacement))

    def mobility(self) -> Array:
        """How far each position can move, 0 to 1, (*COARSE_SHAPE): the skull fixes the surface."""
        return np.asarray(ndimage.gaussian_filter(self.coarse(self.atlas.brain), 4.0) ** 1.5)

    def coarse(self, template: Array) -> Array:
        """A template map (1 mm) sampled at the coarse nodes, (*COARSE_SHAPE)."""
        return sample(template, self._to_template(coarse_positions() + self.displacement), 1.0)

    def depth(self) -> Array:
        """Distance to the brain's surface in mm, (*COARSE_SHAPE); 0 outside."""
        inside = np.pad(self.coarse(self.atlas.brain) > 0.5, 1)
        depth = ndimage.distance_transform_edt(inside)[1:-1, 1:-1, 1:-1]
        return np.asarray(depth * COARSE_SPACING, dtype=np.float32)

    def tissue(self) -> Tissue:
        """Brain mask and tissue fractions on the fine grid."""
        positions = np.indices(SHAPE, dtype=np.float32) * np.float32(SPACING)
        positions += np.stack([to_fine(component) for component in self.displacement])
        positions = self._to_template(positions)
        brain_mask = without_holes(largest(sample(self.atlas.brain, positions, 1.0) > 0.5))
        inside = positions[:, brain_mask]
        fractions = np.stack([sample(tissue, inside, 1.0) for tissue in self.atlas.tissues])
        fractions[0] *= np.exp(to_fine(self.widening)[brain_mask])
        fractions[0] += np.float32(1e-3)  # a filled hole has no tissue in the template: it is CSF
        return Tissue(brain_mask, fractions / fractions.sum(axis=0))

    def _to_template(self, positions: Array) -> Array:
        """Template coordinates in 1 mm voxels of scan positions in mm; both (3, ...)."""
        relative = positions.reshape(3, -1) + (np.array(ORIGIN) - MIDDLE)[:, None]
        # No matrix product: its last bits may depend on the number of threads.
        moved = (self.matrix[:, :, None] * relative[None]).sum(axis=1)
        template = moved + (MIDDLE - np.array(TEMPLATE_ORIGIN))[:, None]
        return np.asarray(template, dtype=np.float32).reshape(positions.shape)


def draw_anatomy(rng: np.random.Generator, atlas: Atlas) -> Anatomy:
    """A healthy subject: random shape, size, ventricles and sulci."""
    still = np.zeros_like(coarse_positions())
    widening = np.float32(rng.normal(0, 0.35)) + np.float32(0.4) * coarse_field(rng, 16.0)
    anatomy = Anatomy(atlas, random_matrix(rng), still, widening)
    slope = np.stack(np.gradient(ndimage.gaussian_filter(anatomy.coarse(atlas.ventricles), 1.5)))
    growth = np.float32(np.clip(rng.normal(0.8, 1.8), -2.0, 5.0))
    velocity = growth * slope / np.sqrt((slope**2).sum(axis=0).max())
    velocity += anatomy.mobility() * random_velocity(rng)
    return replace(anatomy, displacement=exponential(velocity))


def largest(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest component (6 neighbours) of a mask."""
    labels, count = ndimage.label(mask)
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])) if count else mask
