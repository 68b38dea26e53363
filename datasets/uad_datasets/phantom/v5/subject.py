"""One case of version 5, a pure function of (seed, case_id, spacing); the anatomy does not depend on the spacing."""

import numpy as np

from uad_datasets.phantom.atlas import load_atlas
from uad_datasets.phantom.grid import Array, rng_for
from uad_datasets.phantom.subject import Phantom
from uad_datasets.phantom.v5.anatomy import DetailedAnatomy, DetailedTissue, draw_anatomy
from uad_datasets.phantom.v5.contrast import MATERIALS, Fractions, render
from uad_datasets.phantom.v5.lattice import Lattice
from uad_datasets.phantom.v5.lesions import Lesions, drawn_at_2_mm, no_lesions, sclerosis
from uad_datasets.phantom.v5.patients import severity


def make_phantom(seed: int, case_id: str, kind: str, spacing: int = 2) -> Phantom:
    """The phantom of one case; kind: a key of KINDS of version 4, or "" for a healthy subject."""
    rng, lattice = rng_for(seed, f"v5/{case_id}"), Lattice(spacing)
    anatomy = draw_anatomy(rng, load_atlas())
    lesions = _lesions(rng, anatomy, lattice, kind, severity(seed, case_id))
    brain = lesions.tissue.brain_mask
    images = render(rng, Fractions(lattice, brain, material_shares(lesions)))
    return Phantom(images, brain, lesions.mask, lesions.volumes)


def _lesions(
    rng: np.random.Generator, anatomy: DetailedAnatomy, lattice: Lattice, kind: str, place: float
) -> Lesions:
    """The lesions of one case."""
    if kind == "ms":
        return sclerosis(rng, anatomy, lattice, place)
    return drawn_at_2_mm(rng, anatomy, lattice, kind) if kind else no_lesions(anatomy, lattice)


def material_shares(lesions: Lesions) -> Array:
    """The share of each of MATERIALS in each brain voxel, (len(MATERIALS), voxels), with lesions and vessels."""
    tissue: DetailedTissue = lesions.tissue
    shares = np.zeros((len(MATERIALS), tissue.fractions.shape[1]), dtype=np.float32)
    csf, grey, white = tissue.fractions
    # A vessel is dark where it runs in a sulcus; in white matter its sheath of CSF is seen.
    vessel, sheath = tissue.vessel * (1 - white) * csf, np.float32(0.3) * tissue.vessel * white
    shares[:3] = csf - vessel + sheath, grey * (1 - tissue.nuclei), white - sheath
    shares[3:5] = grey * tissue.nuclei, vessel
    for layer in lesions.layers:
        share = layer.share[tissue.brain_mask]
        shares *= 1 - share
        shares[MATERIALS.index(layer.material)] += share
    return shares
