"""A small synthetic case for the examples in docstrings of preparation steps."""

import numpy as np

from uad_bench.data.nifti.read import Volume
from uad_bench.prepare.step import CaseVolumes


def example_case() -> CaseVolumes:
    """A skull-stripped T2 scan: a ball of 10 mm radius with a lesion of 3 mm radius, 24 x 24 x 24 voxels of 1 mm, RAS+.

    Intensities rise from 100 to 119 along x and are 200 in the lesion; the world origin is voxel (12, 12, 12).

    >>> case = example_case()
    >>> case.images["t2"].array.shape, int(case.brain().array.sum()), int(case.lesion_mask.array.sum())
    ((24, 24, 24), 4169, 123)
    """
    x, y, z = np.indices((24, 24, 24)) - 12
    brain, lesion = x**2 + y**2 + z**2 <= 100, (x - 4) ** 2 + y**2 + z**2 <= 9
    image = np.where(brain, np.where(lesion, 200, x + 109), 0).astype(np.float32)
    affine = np.eye(4)
    affine[:3, 3] = -12
    volumes = Volume(image, affine), Volume(brain, affine), Volume(lesion, affine)
    return CaseVolumes("example", {"t2": volumes[0]}, volumes[1], volumes[2], stripped=True)
