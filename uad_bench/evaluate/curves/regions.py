"""The lesion of each positive of a curve, which AUPRO needs to give every lesion the same weight."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.evaluate.curves.sorted_scores import Scores, keys
from uad_bench.types import BoolArray, Scored

Sizes = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Regions:
    """The lesions of a curve.

    sizes: for each of its sorted positives, the number of voxels of the lesion that it belongs to, (N,). n: the number
    of lesions, those wholly outside the brain included.

    >>> lesion = np.array([True, True, False, True]).reshape(1, 1, 4)
    >>> scores = np.array([0.5, 0.2, 0.9, 0.4], np.float32).reshape(1, 1, 4)
    >>> regions, positives = Regions.of_case(Scored("case", scores, np.ones_like(lesion), lesion, (1.0, 1.0, 1.0)))
    >>> positives, regions.sizes, regions.n
    (array([0.2, 0.4, 0.5], dtype=float32), array([2, 1, 2], dtype=uint32), 2)
    """

    sizes: Sizes
    n: int

    @classmethod
    def of_case(cls, scored: Scored) -> tuple["Regions", Scores]:
        """The lesions of a case (26-connected components), and its sorted positives."""
        box = _box(scored.lesion_mask)
        lesion = scored.lesion_mask[box]
        labels, n = ndimage.label(lesion, np.ones((3, 3, 3)))
        found, label = scored.brain_mask[box][lesion], labels[lesion]
        sizes = np.bincount(label)[label[found]].astype(np.uint32)
        return cls._sorted(scored.map[box][lesion][found], sizes, n)

    @classmethod
    def pool(cls, regions: Sequence["Regions"], positives: Sequence[Scores]) -> tuple["Regions", Scores]:
        """The lesions of several cases together, and their sorted positives."""
        sizes = np.concatenate([one.sizes for one in regions])
        return cls._sorted(np.concatenate(positives), sizes, sum(one.n for one in regions))

    @classmethod
    def _sorted(cls, positives: Scores, sizes: Sizes, n: int) -> tuple["Regions", Scores]:
        """Sorted by score and then by size, so that sums of recalls do not depend on the order of the cases."""
        if positives.dtype != np.float32:
            order = np.lexsort((sizes, positives))
            return cls(sizes[order], n), positives[order]
        # The same order from one sort of 64-bit integers, without an index array.
        packed = (keys(positives).astype(np.uint64) << np.uint64(32)) | sizes
        packed.sort()
        key = (packed >> np.uint64(32)).astype(np.uint32)
        bits = key ^ (((key >> 31) - np.uint32(1)) | np.uint32(1 << 31))
        return cls(packed.astype(np.uint32), n), bits.view(np.float32)


def _box(mask: BoolArray) -> tuple[slice, ...]:
    """The smallest box around a mask (X, Y, Z); scipy's `find_objects` reads every voxel and takes longer."""
    coordinates = np.unravel_index(np.flatnonzero(mask), mask.shape)
    return tuple(slice(int(k.min()), int(k.max()) + 1) if k.size else slice(0, 0) for k in coordinates)
