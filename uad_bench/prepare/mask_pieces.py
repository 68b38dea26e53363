"""Masks of one piece: the largest connected component, and its holes filled."""

import numpy as np
from scipy import ndimage

from uad_bench.types import BoolArray


def whole(mask: BoolArray) -> BoolArray:
    """The largest piece of a mask (X, Y, Z), holes filled in 3-D; an empty mask as it is."""
    if not mask.any():
        return mask
    box = ndimage.find_objects(mask.astype(np.uint8))[0]  # a third of a scan, and so of the time
    kept = np.zeros_like(mask)
    kept[box] = ndimage.binary_fill_holes(largest(mask[box]))
    return kept


def largest(mask: BoolArray) -> BoolArray:
    """The largest component (6 neighbours) of a mask (X, Y, Z); an empty mask as it is."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())[1:]
    kept: BoolArray = labels == 1 + int(sizes.argmax())
    return kept
