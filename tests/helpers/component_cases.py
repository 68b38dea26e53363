"""Small cases with components of each kind, for figures."""

import numpy as np

from tests.helpers.case_images import case_images
from uad_bench.figures.components.sheet import CaseComponents
from uad_bench.types import Component


def case_components(name="a", *, lesion=True, shift=True, intensity=True):
    """A case with the components "error" (value), "copy" (intensity) and "place" (shift by 3 voxels along x)."""
    case = case_images(name, lesion=lesion)
    mask = case.lesion_mask
    components = {"error": Component((5 * case.image + mask).astype(np.float32), unit="mm")}
    if intensity:
        components["copy"] = Component(0.5 * case.image, "intensity")
    if shift:
        components["place"] = Component(np.stack([3.0 + mask, 0.0 - mask]).astype(np.float32), "shift")
    return CaseComponents(case, components)
