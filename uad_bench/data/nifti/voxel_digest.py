"""Digests of what a volume contains: equal for equal scans, however their files were packed."""

import hashlib

import numpy as np

from uad_bench.types import Affine, FloatArray


def voxel_digest(array: FloatArray) -> str:
    """SHA-256 (hex) of the shape and the float32 values of a volume (X, Y, Z).

    >>> import numpy as np
    >>> voxel_digest(np.zeros((2, 2, 2), np.float32))[:8]
    'f26b555c'
    """
    digest = hashlib.sha256(np.array(array.shape, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(array, dtype="<f4").data)
    return digest.hexdigest()


def affine_digest(affine: Affine) -> str:
    """The first 16 hex digits of the SHA-256 of an affine (4, 4), float64."""
    return hashlib.sha256(np.asarray(affine, dtype="<f8").tobytes()).hexdigest()[:16]
