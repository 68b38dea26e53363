"""One case of the cohort, a pure function of (seed, case_id)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_datasets.phantom.anatomy import Anatomy, Tissue, draw_anatomy
from uad_datasets.phantom.atlas import load_atlas
from uad_datasets.phantom.contrast import MATERIALS, render
from uad_datasets.phantom.grid import Array, rng_for
from uad_datasets.phantom.lesions import Lesion, isointense_tumour, ms_plaques, tumour
from uad_datasets.phantom.structural import structural

#: Lesion kind -> function that makes it in an anatomy.
KINDS: Mapping[str, Callable[[np.random.Generator, Anatomy], Lesion]] = {
    "tumour": tumour,
    "iso": isointense_tumour,
    "ms": ms_plaques,
    "structural": structural,
}


@dataclass(frozen=True)
class Phantom:
    """A synthetic case. images: float32 (X, Y, Z), one per modality, 0 outside the brain; masks: bool (X, Y, Z).

    volumes: mm³ of every lesion drawn, also of those below one voxel; version 4 does not record them.
    """

    images: Mapping[str, Array]
    brain_mask: npt.NDArray[np.bool_]
    lesion_mask: npt.NDArray[np.bool_]
    volumes: tuple[float, ...] = ()


def make_phantom(seed: int, case_id: str, kind: str) -> Phantom:
    """The phantom of one case; kind: a key of KINDS, or "" for a healthy subject."""
    rng = rng_for(seed, case_id)
    anatomy = draw_anatomy(rng, load_atlas())
    lesion = KINDS[kind](rng, anatomy) if kind else Lesion(anatomy.tissue(), ())
    images = render(rng, material_fractions(lesion), lesion.tissue.brain_mask)
    return Phantom(images, lesion.tissue.brain_mask, lesion.mask)


def material_fractions(lesion: Lesion) -> Array:
    """The share of each of MATERIALS in each brain voxel, (len(MATERIALS), voxels), with the lesion."""
    tissue: Tissue = lesion.tissue
    fractions = np.zeros((len(MATERIALS), tissue.fractions.shape[1]), dtype=np.float32)
    fractions[:3] = tissue.fractions
    for one in lesion.replacements:
        # A blur of half a voxel: the partial volume of a sharp border in a scan of 2 mm.
        soft = ndimage.gaussian_filter(one.mask.astype(np.float32), 0.5)[tissue.brain_mask]
        fractions *= 1 - np.float32(one.strength) * soft
        fractions[MATERIALS.index(one.material)] += np.float32(one.strength) * soft
    return fractions
