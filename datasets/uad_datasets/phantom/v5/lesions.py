"""The lesions of version 5 on the grid of the scan: a share of each voxel, a mask, and the volumes before sampling."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.prepare.resampling.lesion_mask import fullest, fullest_of_each
from uad_datasets.phantom import lesions as version_4
from uad_datasets.phantom.anatomy import Anatomy
from uad_datasets.phantom.grid import Array, coarse_field
from uad_datasets.phantom.structural import structural
from uad_datasets.phantom.v5.anatomy import DetailedAnatomy, DetailedTissue
from uad_datasets.phantom.v5.lattice import Lattice
from uad_datasets.phantom.v5.patients import draw_volumes
from uad_datasets.phantom.v5.plaques import draw_plaques

#: Share of a voxel above which a lesion may be a cavity, dark on T1: the inner parts of large lesions.
CAVITY = 0.7

Mask = npt.NDArray[np.bool_]
Maker = Callable[[np.random.Generator, Anatomy], version_4.Lesion]


@dataclass(frozen=True)
class Layer:
    """A material and the share of each voxel that it replaces, 0 to 1, (*shape)."""

    material: str
    share: Array


@dataclass(frozen=True)
class Lesions:
    """tissue: after mass effect; mask: bool (*shape); volumes: of every lesion drawn, mm³, also below one voxel."""

    tissue: DetailedTissue
    layers: tuple[Layer, ...]
    mask: Mask
    volumes: tuple[float, ...]


#: Kinds that version 4 draws at 2 mm.
SHAPES: Mapping[str, Maker] = {
    "tumour": version_4.tumour, "iso": version_4.isointense_tumour, "structural": structural
}  # fmt: skip


def no_lesions(anatomy: DetailedAnatomy, lattice: Lattice) -> Lesions:
    """A healthy subject."""
    return Lesions(anatomy.tissue_on(lattice), (), np.zeros(lattice.shape, dtype=bool), ())


def sclerosis(rng: np.random.Generator, anatomy: DetailedAnatomy, lattice: Lattice, place: float) -> Lesions:
    """Lesions of multiple sclerosis; place: 0 is the patient with the lowest lesion load, 1 the highest."""
    tissue = anatomy.tissue()
    labels = draw_plaques(rng, anatomy, tissue, draw_volumes(rng, place))
    sizes = np.bincount(labels.ravel())
    mask = on_lattice(labels, lattice)
    strength = _strengths(rng, sizes)[labels]
    share = _softened(strength, lattice)
    cavity = share * np.clip(lattice.fine(coarse_field(rng, 4.5)) - 0.2, 0, 0.8) * (share > CAVITY)
    seen = tissue if lattice.spacing == 2 else anatomy.tissue_on(lattice)
    return Lesions(
        seen,
        (Layer("plaque", share), Layer("cavity", cavity)),
        mask & seen.brain_mask,
        tuple(map(float, sizes[1:][sizes[1:] > 0])),
    )


def drawn_at_2_mm(rng: np.random.Generator, anatomy: DetailedAnatomy, lattice: Lattice, kind: str) -> Lesions:
    """A lesion of SHAPES. At 1 mm its border is interpolated; the anatomy has the detail of 1 mm."""
    lesion = SHAPES[kind](rng, anatomy)
    tissue = lesion.tissue
    assert isinstance(tissue, DetailedTissue)
    if lattice.spacing == 1:
        tissue = tissue.anatomy.tissue_on(lattice)
    masks = [_refined(one.mask, lattice) & tissue.brain_mask for one in lesion.replacements]
    layers = tuple(
        Layer(one.material, one.strength * ndimage.gaussian_filter(mask.astype(np.float32), 0.5))
        for one, mask in zip(lesion.replacements, masks, strict=True)
    )
    union = np.logical_or.reduce(masks)
    sizes = np.bincount(ndimage.label(union, np.ones((3, 3, 3)))[0].ravel())[1:]
    return Lesions(tissue, layers, union, tuple(map(float, sizes * lattice.spacing**3)))


def on_lattice(labels: npt.NDArray[np.int32], lattice: Lattice) -> Mask:
    """The mask of lesions at 1 mm on the grid of the scan: the volume stays, and every lesion keeps a voxel.

    This is the rule by which `prepare` brings real lesion masks to 2 mm.
    """
    if lattice.spacing == 1:
        return np.asarray(labels > 0)
    voxels = np.flatnonzero(labels)
    target = np.ravel_multi_index([at // 2 for at in np.unravel_index(voxels, labels.shape)], lattice.shape)
    share = np.bincount(target, minlength=int(np.prod(lattice.shape))).reshape(lattice.shape) / np.float32(8)
    anchors = fullest_of_each(labels.ravel()[voxels].astype(np.intp), target)
    return fullest(share.astype(np.float32), round(voxels.size / 8), anchors)


def _strengths(rng: np.random.Generator, sizes: npt.NDArray[np.intp]) -> Array:
    """How much of a lesion's tissue is replaced: small lesions are fainter, and each differs; 0 for the background."""
    typical = np.interp(np.log(np.maximum(sizes, 1)), np.log([1, 100, 2000]), [0.52, 0.72, 0.95])
    strengths = np.clip(typical + rng.normal(0, 0.12, sizes.size), 0.15, 1).astype(np.float32)
    strengths[0] = 0
    return strengths


def _softened(strength: Array, lattice: Lattice) -> Array:
    """Strengths at 1 mm averaged over the voxels of the scan, with a soft border."""
    if lattice.spacing == 2:
        x, y, z = lattice.shape
        strength = strength.reshape(x, 2, y, 2, z, 2).sum(axis=(1, 3, 5)) / np.float32(8)
    return np.asarray(ndimage.gaussian_filter(strength, 0.6 / lattice.spacing, truncate=3.0))


def _refined(mask: Mask, lattice: Lattice) -> Mask:
    """A mask at 2 mm on the grid of the scan, its border interpolated."""
    if lattice.spacing == 2:
        return mask
    fine = mask.astype(np.float32).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    return np.asarray(ndimage.gaussian_filter(fine, 1.0) > 0.5)
