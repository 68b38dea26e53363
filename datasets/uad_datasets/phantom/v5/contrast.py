"""From tissue fractions to images of version 5: mean signals, texture, bias field and Rician noise."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_datasets.phantom.grid import COARSE_SHAPE, Array, coarse_field, smooth_field
from uad_datasets.phantom.v5.lattice import Lattice

#: The materials of a voxel: tissues, deep grey matter, vessels and parts of lesions.
MATERIALS = ("csf", "gm", "wm", "nuclei", "vessel", "oedema", "core", "iso", "plaque", "cavity")
#: Mean signal of each material.
MEANS: Mapping[str, tuple[float, ...]] = {
    "t1": (0.22, 0.61, 0.85, 0.70, 0.45, 0.52, 0.40, 0.66, 0.62, 0.36),
    "t2": (1.37, 0.485, 0.325, 0.35, 0.10, 0.64, 0.78, 0.405, 0.70, 1.12),
    "flair": (0.12, 0.66, 0.51, 0.56, 0.25, 0.92, 0.82, 0.60, 0.73, 0.64),
}
#: Relative spread of the means between subjects.
SPREAD = (0.08, 0.04, 0.04, 0.04, 0.05, 0.06, 0.08, 0.03, 0.06, 0.06)
#: Relative texture within a subject.
ROUGHNESS = (0.04, 0.06, 0.05, 0.06, 0.10, 0.08, 0.12, 0.06, 0.10, 0.10)
#: Standard deviation of the noise in each channel of the receiver, from the quietest to the noisiest scan.
NOISE = (0.010, 0.022)
#: Width of the point spread in mm (Gaussian), from the sharpest to the most blurred scan, by spacing.
BLUR: Mapping[int, tuple[float, float]] = {1: (0.3, 0.6), 2: (0.5, 0.95)}
MODALITIES = tuple(MEANS)


@dataclass(frozen=True)
class Fractions:
    """The share of each of MATERIALS in each brain voxel, (len(MATERIALS), voxels); they sum to one."""

    lattice: Lattice
    brain_mask: npt.NDArray[np.bool_]
    shares: Array

    def mixed(self, values: npt.ArrayLike) -> Array:
        """The mean of one value per material, weighted by the shares, (voxels,)."""
        total = np.zeros(self.shares.shape[1], dtype=np.float32)
        for value, share in zip(np.asarray(values, dtype=np.float32), self.shares, strict=True):
            total += value * share
        return total


def render(rng: np.random.Generator, fractions: Fractions) -> dict[str, Array]:
    """One image per modality, (*shape), 0 outside the brain."""
    lattice, brain = fractions.lattice, fractions.brain_mask
    broad = lattice.fine(coarse_field(rng, 10.0))[brain]
    grain = smooth_field(rng, lattice.shape, 0.8)[brain]
    texture = 1 + fractions.mixed(ROUGHNESS) * (broad + grain) * np.float32(0.5**0.5)
    scanner = Scanner.of(brain, rng.uniform(*BLUR[lattice.spacing]) / lattice.spacing)
    return {modality: scanner.image(_signal(rng, modality, fractions, texture)) for modality in MODALITIES}


def _signal(rng: np.random.Generator, modality: str, fractions: Fractions, texture: Array) -> Array:
    """The values of one modality, (voxels,): signal, bias field, and noise in both channels of the receiver."""
    spread = np.array(SPREAD) * np.clip(rng.standard_normal(len(MATERIALS)), -2, 2)
    bias = np.float32(rng.uniform(0.005, 0.035)) * smooth_field(rng, COARSE_SHAPE, 12.0)
    signal = fractions.mixed(np.array(MEANS[modality]) * (1 + spread)) * texture
    signal *= np.exp(fractions.lattice.fine(bias)[fractions.brain_mask])
    noise = np.float32(rng.uniform(*NOISE)) * rng.standard_normal((2, signal.size), dtype=np.float32)
    return np.asarray(np.float32(rng.uniform(500, 1500)) * np.hypot(signal + noise[0], noise[1]))


@dataclass(frozen=True)
class Scanner:
    """The point spread within a brain mask. width: of the Gaussian, in voxels; weight: the mask after it, (voxels,)."""

    brain_mask: npt.NDArray[np.bool_]
    width: float
    weight: Array

    @classmethod
    def of(cls, brain_mask: npt.NDArray[np.bool_], width: float) -> "Scanner":
        """The scanner of one subject."""
        weight = ndimage.gaussian_filter(brain_mask.astype(np.float32), width, truncate=3.0)
        return cls(brain_mask, width, weight[brain_mask])

    def image(self, values: Array) -> Array:
        """The values of brain voxels as a blurred volume, (*shape), 0 outside the brain."""
        image = np.zeros(self.brain_mask.shape, dtype=np.float32)
        image[self.brain_mask] = values
        soft = ndimage.gaussian_filter(image, self.width, truncate=3.0)[self.brain_mask]
        image[self.brain_mask] = soft / self.weight
        return image
