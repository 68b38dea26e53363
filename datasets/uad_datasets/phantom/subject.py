"""One case of the cohort, from its name: a pure function of (seed, case_id)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_datasets.phantom.anatomy import Anatomy, Tissue, draw_anatomy
from uad_datasets.phantom.atlas import load_atlas
from uad_datasets.phantom.contrast import MATTER, render
from uad_datasets.phantom.grid import Array, rng_for
from uad_datasets.phantom.lesions import Lesion, iso, ms, tumour
from uad_datasets.phantom.structural import structural

#: Kind of lesion -> how it grows in an anatomy.
KINDS: Mapping[str, Callable[[np.random.Generator, Anatomy], Lesion]] = {
    "tumour": tumour,
    "iso": iso,
    "ms": ms,
    "structural": structural,
}


@dataclass(frozen=True)
class Phantom:
    """images: float32 (X, Y, Z) a modality, 0 outside the brain; masks: bool (X, Y, Z)."""

    images: Mapping[str, Array]
    brain_mask: npt.NDArray[np.bool_]
    lesion_mask: npt.NDArray[np.bool_]


def grow(seed: int, case_id: str, kind: str) -> Phantom:
    """The phantom of one case; `kind` is a key of KINDS, or "" for a healthy subject."""
    rng = rng_for(seed, case_id)
    anatomy = draw_anatomy(rng, load_atlas())
    lesion = KINDS[kind](rng, anatomy) if kind else Lesion(anatomy.tissue(), ())
    images = render(rng, paint(lesion), lesion.tissue.brain_mask)
    return Phantom(images, lesion.tissue.brain_mask, lesion.mask)


def paint(lesion: Lesion) -> Array:
    """Share of every MATTER in each brain voxel, (len(MATTER), voxels), after all paints."""
    tissue: Tissue = lesion.tissue
    fractions = np.zeros((len(MATTER), tissue.fractions.shape[1]), dtype=np.float32)
    fractions[:3] = tissue.fractions
    for layer in lesion.paints:
        # Half a voxel of blur: the partial volume of a sharp border seen by a 2 mm scan.
        soft = ndimage.gaussian_filter(layer.mask.astype(np.float32), 0.5)[tissue.brain_mask]
        fractions *= 1 - np.float32(layer.strength) * soft
        fractions[MATTER.index(layer.matter)] += np.float32(layer.strength) * soft
    return fractions
