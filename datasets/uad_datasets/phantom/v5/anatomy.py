"""The anatomy of a subject of version 5: that of version 4 with sulci, vessels and an irregular border of the scan."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_datasets.phantom.anatomy import Anatomy, Tissue, largest
from uad_datasets.phantom.atlas import Atlas
from uad_datasets.phantom.deform import exponential, random_matrix, random_velocity
from uad_datasets.phantom.grid import Array, coarse_field, coarse_positions, sample
from uad_datasets.phantom.v5.detail import load_detail
from uad_datasets.phantom.v5.lattice import Lattice

#: Template size divided by mean subject size, beyond that of version 4.
SIZE = 1.035
#: Evidence above which a voxel is mostly CSF, and the width of the transition.
FLUID, SOFT = 0.57, 0.16
#: Radius of a vessel in units of the two random fields whose common zeros are its course.
VESSEL = 0.11


@dataclass(frozen=True)
class DetailedTissue(Tissue):
    """Tissue with its anatomy and what version 4 does not have, one value per brain voxel.

    vessel: share of a vessel's cross-section; nuclei: 1 in deep grey matter.
    """

    anatomy: "DetailedAnatomy"
    vessel: Array
    nuclei: Array


@dataclass(frozen=True)
class DetailedAnatomy(Anatomy):
    """widening: lowers the evidence needed for CSF; border: depth in mm at which the scan ends; vessels: two fields."""

    border: Array
    vessels: tuple[Array, Array]
    folds: Array

    def tissue(self) -> DetailedTissue:
        """The tissue at 2 mm."""
        return self.tissue_on(Lattice(2))

    def tissue_on(self, lattice: Lattice) -> DetailedTissue:
        """Brain mask and tissue fractions on a grid."""
        detail = load_detail()
        near = np.flatnonzero(lattice.fine(self.coarse(self.atlas.brain)) > 1e-3)
        places = self._places(lattice, near)
        depth = sample(detail.depth, places, 2.0)
        brain = np.zeros(lattice.shape, dtype=bool)
        brain.ravel()[near] = depth > lattice.fine(self.border).ravel()[near]
        brain = largest(brain & lattice.interior())
        within = brain.ravel()[near]
        voxels, places = near[within], places[:, within]
        fractions = self._fractions(lattice, voxels, places)
        vessel = _tubes(*(lattice.fine(field).ravel()[voxels] for field in self.vessels))
        return DetailedTissue(brain, fractions, self, vessel, sample(detail.nuclei, places, 1.0))

    def _places(self, lattice: Lattice, voxels: npt.NDArray[np.intp]) -> Array:
        """Template coordinates of voxels given as flat indices, (3, voxels)."""
        moved = lattice.positions(voxels)
        for axis in range(3):
            moved[axis] += lattice.fine(self.displacement[axis] + self.folds[axis]).ravel()[voxels]
        return self._to_template(moved)

    def _fractions(self, lattice: Lattice, voxels: npt.NDArray[np.intp], places: Array) -> Array:
        """csf, gm and wm, (3, voxels)."""
        detail = load_detail()
        evidence = sample(detail.fluid, places, 1.0) + lattice.fine(self.widening).ravel()[voxels]
        csf = _share(evidence - np.float32(FLUID), SOFT)
        white = _share(sample(detail.white, places, 1.0) - np.float32(0.5), 0.12)
        return np.stack([csf, (1 - csf) * (1 - white), (1 - csf) * white])


def draw_anatomy(rng: np.random.Generator, atlas: Atlas) -> DetailedAnatomy:
    """A healthy subject: random shape, size, folds, ventricles, sulci and vessels."""
    still = np.zeros_like(coarse_positions())
    widening = np.float32(rng.normal(0, 0.05)) + np.float32(0.09) * coarse_field(rng, 9.0)
    border = np.float32(rng.uniform(0.2, 1.7)) + np.float32(0.9) * coarse_field(rng, 5.0)
    vessels = (coarse_field(rng, 9.0), coarse_field(rng, 9.0))
    matrix = random_matrix(rng) * SIZE * np.exp(np.clip(rng.normal(0, 0.04), -0.03, 0.08))
    anatomy = DetailedAnatomy(atlas, matrix, still, widening, border, vessels, still)
    slope = np.stack(np.gradient(ndimage.gaussian_filter(anatomy.coarse(atlas.ventricles), 1.5)))
    growth = np.float32(np.clip(rng.normal(-0.2, 1.9), -2.0, 6.0))
    velocity = growth * slope / np.sqrt((slope**2).sum(axis=0).max())
    velocity += anatomy.mobility() * random_velocity(rng)
    anatomy = replace(anatomy, displacement=exponential(velocity, 4))
    return replace(anatomy, folds=_folds(rng, anatomy))


def _folds(rng: np.random.Generator, anatomy: DetailedAnatomy) -> Array:
    """A displacement in mm that gives cortex folds of its own, (3, *COARSE_SHAPE); it fades out below the cortex."""
    cortex = np.clip((24 - anatomy.depth()) / 12, 0.1, 1)
    return np.stack([np.float32(1.3) * cortex * coarse_field(rng, 5.0) for _ in range(3)])


def _share(evidence: Array, width: float) -> Array:
    """A share from 0 to 1 that rises where the evidence passes 0."""
    return np.asarray(1 / (1 + np.exp(np.clip(-evidence / np.float32(width), -30, 30))), dtype=np.float32)


def _tubes(first: Array, second: Array) -> Array:
    """1 on the curves where both fields are 0, falling with the distance to them."""
    return np.asarray(np.exp(-(first**2 + second**2) / np.float32(2 * VESSEL**2)), dtype=np.float32)
