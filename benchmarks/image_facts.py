"""Facts of one scan at 2 mm that need no segmentation of tissue; intensities are divided by the brain's median."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Mask = npt.NDArray[np.bool_]
MM = 2.0
#: Brighter than this on T2, relative to the median, is CSF or a mixture that is mostly CSF.
BRIGHT = 1.7


@dataclass(frozen=True)
class Volume:
    """A scan at 2 mm, (X, Y, Z), with its brain mask and lesion mask."""

    image: npt.NDArray[np.float32]
    brain_mask: Mask
    lesion_mask: Mask

    def healthy(self) -> Mask:
        """The brain without lesions and 4 mm around them."""
        return np.asarray(self.brain_mask & ~ndimage.binary_dilation(self.lesion_mask, iterations=2))

    def relative(self) -> npt.NDArray[np.float32]:
        """The image divided by its median in healthy brain."""
        return np.asarray(self.image / np.median(self.image[self.healthy()]))


def image_facts(volume: Volume) -> dict[str, float]:
    """The facts of a T2 scan outside its lesions."""
    image, healthy = volume.relative(), volume.healthy()
    depth = ndimage.distance_transform_edt(np.pad(volume.brain_mask, 1))[1:-1, 1:-1, 1:-1] * MM
    bright = healthy & (image > BRIGHT)
    deep = depth > 22
    return {
        "brain, ml": float(volume.brain_mask.sum() * MM**3 / 1e3),
        **quantiles("t2", volume),
        "bright and deeper than 22 mm (ventricles), ml": float((bright & deep).sum() * MM**3 / 1e3),
        "bright share of the outer 16 mm (sulci), %": 100 * float(bright[(depth <= 16) & healthy].mean()),
        "spread from scan border to 4 mm inside": float(image[healthy & (depth <= 4)].std()),
        **smoothness(image, healthy),
        "bias: spread of the darker half over 40 mm": bias(image, healthy),
    }


def quantiles(modality: str, volume: Volume) -> dict[str, float]:
    """Quantiles of the healthy brain's intensities, the median being 1."""
    image = volume.relative()[volume.healthy()]
    return {f"{modality} intensity, {q} %": float(np.percentile(image, q)) for q in (5, 25, 75, 95, 99)}


def smoothness(image: npt.NDArray[np.float32], inside: Mask) -> dict[str, float]:
    """Noise in homogeneous tissue, and how sharp edges are."""
    core = ndimage.binary_erosion(inside)
    local = local_spread(image)[core]
    steps = np.sqrt(sum(ndimage.correlate1d(image, [-0.5, 0, 0.5], axis) ** 2 for axis in range(3)))
    return {
        "local spread (3 voxels cubed), 10 %": float(np.percentile(local, 10)),
        "local spread, 50 %": float(np.percentile(local, 50)),
        "local spread, 90 %": float(np.percentile(local, 90)),
        "gradient per voxel, mean": float(steps[core].mean()),
        "correlation with the next voxel": neighbour_correlation(image, inside, 1),
        "correlation at 3 voxels": neighbour_correlation(image, inside, 3),
    }


def local_spread(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The standard deviation in a cube of 3 voxels."""
    wide = image.astype(np.float64)
    mean, square = ndimage.uniform_filter(wide, 3), ndimage.uniform_filter(wide**2, 3)
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0)))


def neighbour_correlation(image: npt.NDArray[np.float32], inside: Mask, lag: int) -> float:
    """The mean over the three axes of the correlation between voxels `lag` apart; values are cut at 2.5."""
    cut = np.minimum(image, 2.5)
    found = []
    for axis in range(3):
        values, kept = np.moveaxis(cut, axis, 0), np.moveaxis(inside, axis, 0)
        both = kept[:-lag] & kept[lag:]
        found.append(np.corrcoef(values[:-lag][both], values[lag:][both])[0, 1])
    return float(np.mean(found))


def bias(image: npt.NDArray[np.float32], inside: Mask) -> float:
    """The spread of the mean logarithm of the darker half of the voxels, over a Gaussian of 10 voxels."""
    tissue = inside & (image > 0.5) & (image < np.median(image[inside]))
    logs = np.where(tissue, np.log(np.maximum(image, 1e-3)), 0)
    weight = ndimage.gaussian_filter(tissue.astype(float), 10)
    field = ndimage.gaussian_filter(logs, 10) / np.maximum(weight, 1e-6)
    return float(field[tissue].std())


def contrast(volume: Volume) -> dict[str, float]:
    """Lesions against their surroundings, in units of the median: all, smallest and largest ones.

    Surroundings: brain at 4 to 8 mm from lesions without the brightest and darkest quarters.
    """
    image, lesion = volume.relative(), volume.lesion_mask
    if not lesion.any():
        return {}
    apart = ndimage.distance_transform_edt(~lesion) * MM
    around = image[volume.brain_mask & (apart >= 4) & (apart <= 8)]
    low, high = np.percentile(around, [25, 75])
    level = float(np.median(around[(around >= low) & (around <= high)]))
    labels, _ = ndimage.label(lesion, np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())[labels] * MM**3
    groups = {
        "all": lesion,
        "below 100 mm³": lesion & (sizes < 100),
        "above 1000 mm³": lesion & (sizes > 1000),
    }
    found = {
        f"lesions {name} against surroundings": float(np.median(image[group]) - level)
        for name, group in groups.items()
        if group.any()
    }
    return {**found, "spread inside lesions": float(image[lesion].std())}
