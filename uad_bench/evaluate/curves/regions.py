"""The lesions of a curve: how large the lesion is that each sorted positive belongs to, which AUPRO needs."""

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
    """The lesions of a curve. sizes: voxels of the lesion that each of its sorted positives belongs to; n: lesions."""

    sizes: Sizes
    n: int

    @classmethod
    def of_case(cls, scored: Scored) -> tuple["Regions", Scores]:
        """The lesions of a case, and its sorted positives."""
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
        """By score, then by size, so that sums of recall do not depend on the order of the cases."""
        if positives.dtype != np.float32:
            order = np.lexsort((sizes, positives))
            return cls(sizes[order], n), positives[order]
        # The same order by one sort of 64-bit integers, without an index array.
        packed = (keys(positives).astype(np.uint64) << np.uint64(32)) | sizes
        packed.sort()
        key = (packed >> np.uint64(32)).astype(np.uint32)
        bits = key ^ (((key >> 31) - np.uint32(1)) | np.uint32(1 << 31))
        return cls(packed.astype(np.uint32), n), bits.view(np.float32)


def _box(mask: BoolArray) -> tuple[slice, ...]:
    """The smallest box that holds a mask (X, Y, Z); `find_objects` looks at every voxel's label and takes longer."""
    places = np.unravel_index(np.flatnonzero(mask), mask.shape)
    return tuple(slice(int(at.min()), int(at.max()) + 1) if at.size else slice(0, 0) for at in places)
