"""Facts of MS lesions: counts, volumes, loads, distances to the lateral ventricles and to the brain's surface."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_datasets.phantom import anatomy as version_4
from uad_datasets.phantom.anatomy import Anatomy
from uad_datasets.phantom.atlas import load_atlas
from uad_datasets.phantom.generate import Recipe
from uad_datasets.phantom.grid import rng_for
from uad_datasets.phantom.subject import Phantom
from uad_datasets.phantom.v5 import anatomy as version_5
from uad_datasets.phantom.v5.lattice import Lattice
from uad_datasets.phantom.v5.plaques import ventricle_distance

#: Quartiles over the 30 patients, their lesions or their lesion voxels: the consensus masks of MSLUB (Lesjak et al.
#: 2018) at 1 mm, components with 26 neighbours.
REAL = {
    "lesion load of a patient, ml": [1.8, 13.9, 28.2],
    "lesions of a patient": [31.0, 79.0, 116.0],
    "volume of a lesion, mm³": [6.0, 17.0, 46.0],
    "share of the largest lesion in the load": [0.19, 0.26, 0.46],
    "lesion volume in lesions above 1000 mm³, %": [71.0],
    "lesion voxels to a lateral ventricle, mm": [5.0, 10.0, 19.0],
    "lesion centres to a lateral ventricle, mm": [11.0, 19.0, 29.0],
    "lesion voxels below the surface, mm": [27.0, 33.0, 39.0],
}
EIGHT = np.ones((3, 3, 3))


@dataclass(frozen=True)
class Patient:
    """An MS phantom of seed 0 at 2 mm, with the anatomy it was drawn in."""

    phantom: Phantom
    anatomy: Anatomy

    @classmethod
    def of(cls, version: int, case_id: str, phantom: Phantom | None = None) -> "Patient":
        """One patient, of `phantom` where it is made already; its random numbers give the anatomy first."""
        name, module = (case_id, version_4) if version == 4 else (f"v5/{case_id}", version_5)
        drawn = module.draw_anatomy(rng_for(0, name), load_atlas())
        return cls(phantom or Recipe(version).make(case_id, "ms"), drawn)

    def volumes(self) -> npt.NDArray[np.float64]:
        """Volumes of the lesions, mm³: as drawn, or (version 4) those of the mask."""
        if self.phantom.volumes:
            return np.array(self.phantom.volumes)
        labels, _ = ndimage.label(self.phantom.lesion_mask, EIGHT)
        return np.asarray(np.bincount(labels.ravel())[1:] * 8.0)

    def places(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Distances in mm: lesion voxels to a ventricle, lesion centres to one, lesion voxels to the surface."""
        mask, distance = self.phantom.lesion_mask, Lattice(2).fine(ventricle_distance(self.anatomy))
        depth = ndimage.distance_transform_edt(np.pad(self.phantom.brain_mask, 1))[1:-1, 1:-1, 1:-1] * 2
        labels, count = ndimage.label(mask, EIGHT)
        centres = np.rint(ndimage.center_of_mass(mask, labels, range(1, count + 1))).astype(int)
        return distance[mask], distance[tuple(centres.T)], depth[mask]


def lesion_facts(patients: Sequence[Patient]) -> dict[str, list[float]]:
    """The facts of REAL over phantoms; lesions below one voxel count with the volume they were drawn with."""
    volumes = [one.volumes() for one in patients]
    everything = np.concatenate(volumes)
    voxels, centres, depths = (
        np.concatenate(parts) for parts in zip(*(p.places() for p in patients), strict=True)
    )
    values = (
        [v.sum() / 1e3 for v in volumes],
        [len(v) for v in volumes],
        everything,
        [v.max() / v.sum() for v in volumes],
        [100 * everything[everything > 1000].sum() / everything.sum()],
        voxels,
        centres,
        depths,
    )
    return {fact: [float(v) for v in found] for fact, found in zip(REAL, values, strict=True)}
