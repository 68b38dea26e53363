"""Subjects of the rehearsal: a few phantoms, each deformed, scaled and shaded anew, so that no two are alike."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from benchmarks.rehearsal.layouts import Layout
from uad_datasets.phantom.generate import Recipe
from uad_datasets.phantom.grid import SHAPE, SPACING, coarse_field, to_fine
from uad_datasets.phantom.subject import Phantom

MASKS = ("brain_mask", "lesion_mask")


@lru_cache(maxsize=64)
def phantom(kind: str, number: int) -> Phantom:
    """One of the phantoms that the subjects are made from, 2 mm."""
    return Recipe(5, 2, 19).make(f"rehearsal-{kind}-{number}", kind)


@dataclass(frozen=True)
class Subject:
    """A subject at 2 mm: volumes by source, and where they are in the native grid. shift: mm; scale: by axis."""

    number: int
    volumes: Mapping[str, np.ndarray]
    scale: np.ndarray
    shift: np.ndarray

    def native(self, layout: Layout) -> Iterator[tuple[str, np.ndarray]]:
        """The files of the subject on the grid of a dataset, one at a time: (X, Y, Z) with the axes of its files."""
        brain = self._mask("brain_mask", layout)
        for image in layout.files(self.number):
            if image.source in MASKS:
                yield image.path, brain if image.source == "brain_mask" else self._mask(image.source, layout)
                continue
            values = self._at_native(image.source, layout)
            values *= np.float32(image.gain)
            np.maximum(values, 1, out=values)
            yield image.path, values.astype(layout.dtype) * brain.astype(layout.dtype)

    def _mask(self, source: str, layout: Layout) -> np.ndarray:
        return (self._at_native(source, layout) > 0.45).astype(np.uint8)

    def _at_native(self, source: str, layout: Layout) -> np.ndarray:
        """A volume interpolated linearly on the native grid, axis by axis."""
        values = self.volumes[source]
        for axis in range(3):
            values = np.moveaxis(np.tensordot(self._weights(axis, layout), values, axes=(1, axis)), 0, axis)
        return values

    def _weights(self, axis: int, layout: Layout) -> np.ndarray:
        """Linear interpolation along an axis as a matrix, (native voxels, voxels of 2 mm)."""
        size, step = layout.shape[axis], layout.axes[axis] * layout.spacing[axis]
        centred = (np.arange(size) - (size - 1) / 2) * step - self.shift[axis]
        at = centred / self.scale[axis] / SPACING + (SHAPE[axis] - 1) / 2
        distance = np.abs(at[:, None] - np.arange(SHAPE[axis]))
        return np.maximum(1 - distance, 0).astype(np.float32)


def subject(layout: Layout, number: int, phantoms: int) -> Subject:
    """The subject of a dataset with this number, from one of `phantoms` phantoms; a function of these alone."""
    seed = hashlib.sha256(f"{layout.name}/{number}".encode()).digest()
    rng = np.random.default_rng(np.frombuffer(seed, np.uint32))
    made = phantom(layout.kind, number % phantoms)
    grid = np.indices(SHAPE, dtype=np.float32)
    for axis in range(3):
        grid[axis] += to_fine(coarse_field(rng, 24))[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    shade = 1 + np.float32(0.04) * to_fine(coarse_field(rng, 60))
    gamma = rng.uniform(0.85, 1.15)
    masks = {"brain_mask": made.brain_mask, "lesion_mask": made.lesion_mask}
    volumes = {name: _moved(mask.astype(np.float32), grid) for name, mask in masks.items()}
    for name, image in made.images.items():
        share = np.maximum(_moved(image, grid) * shade, 0) / np.float32(image.max())
        volumes[name] = np.float32(1000) * share**gamma
    return Subject(number, volumes, rng.uniform(0.93, 1.05, 3), rng.uniform(-4, 4, 3))


def _moved(volume: np.ndarray, grid: np.ndarray) -> np.ndarray:
    return np.asarray(ndimage.map_coordinates(volume, grid, order=1), np.float32)
