"""Small cases with images, maps and masks, for figures."""

import numpy as np

from uad_bench.figures.slices import CaseImages

SHAPE = (20, 24, 6)


def case_images(name, *, lesion=True, spacing=(2.0, 2.0, 2.0), scale=1.0):
    """A case whose brain is 16 x 20 x 6 voxels, with a lesion of 4 x 5 voxels in slice 3."""
    rng = np.random.default_rng(len(name))
    brain, mask = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    brain[2:18, 2:22] = True
    mask[4:8, 4:9, 3] = lesion
    image = rng.random(SHAPE).astype(np.float32)
    scores = (scale * (image + mask)).astype(np.float32)
    return CaseImages(name, "ms" if lesion else "healthy", image, scores, brain, mask, spacing)
