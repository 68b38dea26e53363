"""Facts of MS lesions: counts, volumes, loads, distances to the lateral ventricles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from uad_datasets.phantom.subject import Phantom

#: Quartiles over the 30 patients, or over the lesions or lesion voxels, of MSLUB at 1 mm (26 neighbours).
REAL = {
    "lesion load, ml": [1.8, 13.9, 28.2],
    "lesions of a patient": [31.0, 79.0, 116.0],
    "volume of a lesion, mm³": [6.0, 17.0, 46.0],
    "share of the largest lesion": [0.19, 0.26, 0.46],
}


def lesion_facts(patients: Sequence[Phantom]) -> dict[str, list[float]]:
    """The facts over phantoms; lesions below one voxel are counted with the volume they were drawn with."""
    volumes = [np.array(drawn_volumes(one)) for one in patients]
    return {
        "lesion load, ml": [float(v.sum() / 1e3) for v in volumes],
        "lesions of a patient": [float(len(v)) for v in volumes],
        "volume of a lesion, mm³": [float(v) for v in np.concatenate(volumes)],
        "share of the largest lesion": [float(v.max() / v.sum()) for v in volumes],
    }


def drawn_volumes(phantom: Any) -> tuple[float, ...]:
    """The volumes of the lesions, mm³; of a phantom of version 4 those of its mask at 2 mm."""
    if phantom.volumes:
        return tuple(phantom.volumes)
    labels, _ = ndimage.label(phantom.lesion_mask, np.ones((3, 3, 3)))
    return tuple(float(v) * 8 for v in np.bincount(labels.ravel())[1:])
