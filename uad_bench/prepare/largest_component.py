"""The largest connected component of a mask, with or without its holes filled."""

import numpy as np
from scipy import ndimage

from uad_bench.types import BoolArray


def largest_component(mask: BoolArray) -> BoolArray:
    """The largest component (6 neighbours) of a mask (X, Y, Z); an empty mask as it is.

    >>> mask = np.zeros((5, 5, 5), bool)
    >>> mask[0, 0, 0] = mask[2:, 2:, 2:] = True
    >>> int(largest_component(mask).sum())
    27
    """
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())[1:]
    largest: BoolArray = labels == 1 + int(sizes.argmax())
    return largest


def filled_largest_component(mask: BoolArray) -> BoolArray:
    """The largest component of a mask (X, Y, Z), holes filled in 3-D; an empty mask as it is."""
    if not mask.any():
        return mask
    box = ndimage.find_objects(mask.astype(np.uint8))[0]  # a third of a scan, and so of the time
    filled = np.zeros_like(mask)
    filled[box] = ndimage.binary_fill_holes(largest_component(mask[box]))
    return filled
