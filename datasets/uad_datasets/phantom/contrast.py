"""From tissue fractions to images: mean signals, texture, bias field and Rician noise."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from uad_datasets.phantom.grid import COARSE_SHAPE, SHAPE, Array, smooth_field, to_fine

#: The materials of a voxel: tissues and parts of lesions.
MATERIALS = ("csf", "gm", "wm", "oedema", "core", "iso", "plaque")
#: Mean signal of each material, CSF on T2 = 1. On T2 the signal of lesions is between grey matter and CSF.
MEANS: Mapping[str, tuple[float, ...]] = {
    "t1": (0.18, 0.58, 0.86, 0.52, 0.40, 0.66, 0.48),
    "t2": (1.00, 0.60, 0.44, 0.66, 0.79, 0.53, 0.74),
    "flair": (0.15, 0.66, 0.52, 0.92, 0.82, 0.60, 1.00),
}
#: Relative spread of the means between subjects.
SPREAD = (0.06, 0.04, 0.04, 0.05, 0.08, 0.03, 0.05)
#: Relative texture: stronger in lesions than in tissue, almost none in fluid.
ROUGHNESS = (0.004, 0.03, 0.03, 0.06, 0.10, 0.05, 0.05)
MODALITIES = tuple(MEANS)


def render(rng: np.random.Generator, fractions: Array, brain_mask: npt.NDArray[np.bool_]) -> dict[str, Array]:
    """One image per modality, (*SHAPE), 0 outside the brain.

    fractions: share of each of MATERIALS in each brain voxel, (len(MATERIALS), voxels); they sum to one.
    """
    grain = smooth_field(rng, SHAPE, 0.8)[brain_mask] + smooth_field(rng, SHAPE, 2.5)[brain_mask]
    texture = np.float32(1) + _mix(np.array(ROUGHNESS), fractions) * grain * np.float32(0.5**0.5)
    return {modality: _image(rng, modality, fractions, texture, brain_mask) for modality in MODALITIES}


def _mix(values: npt.NDArray[np.float64], fractions: Array) -> Array:
    """The mean of one value per material, weighted by the fractions, (voxels,)."""
    return np.asarray((values.astype(np.float32)[:, None] * fractions).sum(axis=0))


def _image(
    rng: np.random.Generator,
    modality: str,
    fractions: Array,
    texture: Array,
    brain_mask: npt.NDArray[np.bool_],
) -> Array:
    """One modality: signal, then the bias field, then noise in both channels of the receiver."""
    spread = np.array(SPREAD) * np.clip(rng.standard_normal(len(MATERIALS)), -2, 2)
    bias = np.float32(rng.uniform(0.05, 0.12)) * smooth_field(rng, COARSE_SHAPE, 12.0)
    signal = _mix(np.array(MEANS[modality]) * (1 + spread), fractions) * texture
    signal *= np.exp(to_fine(bias)[brain_mask])
    noise = np.float32(rng.uniform(0.015, 0.03)) * rng.standard_normal((2, signal.size), dtype=np.float32)
    image = np.zeros(SHAPE, dtype=np.float32)
    image[brain_mask] = np.float32(rng.uniform(500, 1500)) * np.hypot(signal + noise[0], noise[1])
    return image
