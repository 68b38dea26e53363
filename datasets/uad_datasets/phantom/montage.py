"""A figure of phantoms: three planes through each, the lesion outlined."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uad_datasets.phantom.subject import Phantom

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def planes(phantom: Phantom) -> tuple[int, int, int]:
    """The voxel (x, y, z) of the planes: those with most lesion voxels, else the middle of the brain."""
    if not phantom.lesion_mask.any():
        width, length, height = phantom.lesion_mask.shape
        return width // 2 - 2, length // 2, height // 2 + 4
    areas = [phantom.lesion_mask.sum(axis=others) for others in ((1, 2), (0, 2), (0, 1))]
    x, y, z = (int(area.argmax()) for area in areas)
    return x, y, z


def save_montage(phantoms: Sequence[tuple[str, Phantom]], path: Path, modality: str = "t2") -> None:
    """Write a PNG with one titled column per phantom; rows axial, coronal and sagittal."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.6 * len(phantoms), 4.9), facecolor="black")
    axes = figure.subplots(3, len(phantoms), squeeze=False)
    for column, (title, phantom) in zip(axes.T, phantoms, strict=True):
        _draw(column, phantom, modality)
        column[0].set_title(title, color="white", fontsize=8)
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.95, 0.02, 0.02)
    figure.savefig(path, dpi=75)


def _draw(column: Sequence["Axes"], phantom: Phantom, modality: str) -> None:
    """Draw the three planes of one phantom, x or y to the right and the last axis upwards."""
    image, mask = phantom.images[modality], phantom.lesion_mask
    top = float(np.percentile(image[phantom.brain_mask], 99.5))
    for axes, axis in zip(column, (2, 1, 0), strict=True):
        at = planes(phantom)[axis]
        axes.imshow(np.take(image, at, axis).T, origin="lower", cmap="gray", vmin=0, vmax=top)
        if np.take(mask, at, axis).any():
            axes.contour(np.take(mask, at, axis).T, [0.5], colors="red", linewidths=0.8)
        axes.axis("off")
