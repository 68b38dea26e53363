"""The exact median filter at the voxels of a mask, with the bits of `scipy.ndimage.median_filter`.

The windows of some thousand voxels are gathered, and the middle element of each is selected: of small windows by a
network of minima and maxima, of others by numpy's partition, which is vectorised, or by torch on a GPU. The median of
an odd number of scores is one of them, so no result is rounded. Background voxels, about half of a box around the
brain, cost nothing.

Zeros of both signs are equal numbers with different bits, and NaN has no rank: where a map holds -0.0 or NaN, scipy
itself computes the filter, so that the bits are the same for every map.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.evaluate.grid.selection_network import medians
from uad_bench.types import BoolArray, FloatArray

log = logging.getLogger(__name__)

Window = tuple[int, int, int]
#: Bytes of the windows that are gathered together: they stay in the processor's cache, and a GPU is kept busy.
CPU_BYTES, GPU_BYTES = 1 << 21, 1 << 27
#: Voxels of a window up to which the network is faster than the partition (`benchmarks/median.py`).
NETWORK_UP_TO = 27


def median_in(volume: FloatArray, mask: BoolArray, window: Window, device: str = "cpu") -> FloatArray:
    """The median over a window around each voxel of a mask, (voxels,), in the order of `volume[mask]`.

    volume, mask: (X, Y, Z); the mask keeps half a window away from the ends of the grid. window: odd sizes along x, y
    and z. device: of torch ("cpu", "cuda", "cuda:1"). A median is one of the values, so that a GPU should give the same
    bits; this was tested on a simulated GPU only. Without enough memory on the GPU, the CPU computes the filter, with a
    warning.

    >>> volume = np.array([0, 0, 9, 1, 0], np.float32).reshape(5, 1, 1)
    >>> median_in(volume, (np.arange(5) % 4 > 0).reshape(5, 1, 1), (3, 1, 1))
    array([0., 1., 1.], dtype=float32)
    """
    if np.isnan(volume).any() or _has_negative_zero(volume):
        everywhere: FloatArray = ndimage.median_filter(volume, size=window)
        return everywhere[mask]
    if device == "cpu" and _count(window) <= NETWORK_UP_TO:
        return _by_network(volume, mask, window)
    corners = [k - size // 2 for k, size in zip(np.nonzero(mask), window, strict=True)]
    if device == "cpu":
        return _on_cpu(volume, corners, window)
    import torch

    try:
        return _on_gpu(volume, corners, window, device)
    except torch.OutOfMemoryError:
        log.warning(
            "too little memory on %s for the median filter: computed on the CPU, with the same result", device
        )
        return _on_cpu(volume, corners, window)


def _has_negative_zero(volume: FloatArray) -> bool:
    if volume.dtype != np.float32:
        return bool(np.signbit(volume[volume == 0]).any())
    return bool((volume.view(np.int32) == np.iinfo(np.int32).min).any())


Corners = list[npt.NDArray[np.int64]]


def _on_cpu(volume: FloatArray, corners: Corners, window: Window) -> FloatArray:
    windows: Any = np.lib.stride_tricks.sliding_window_view(volume, window)

    def middle(part: slice) -> FloatArray:
        rows = windows[tuple(k[part] for k in corners)].reshape(-1, _count(window))
        rows.partition(rows.shape[1] // 2, axis=1)
        return cast(FloatArray, rows[:, rows.shape[1] // 2])

    return _by_parts(middle, corners[0].size, volume, _parts(corners[0].size, window, CPU_BYTES))


def _by_network(volume: FloatArray, mask: BoolArray, window: Window) -> FloatArray:
    scores, places = volume.ravel(), np.flatnonzero(mask)
    strides = (volume.shape[1] * volume.shape[2], volume.shape[2], 1)
    around = np.indices(window).reshape(3, -1).T - np.array(window) // 2
    steps = (around @ strides).tolist()
    parts = list(_parts(places.size, window, CPU_BYTES))
    # The memory of the columns is reused for all parts.
    columns = np.empty((len(steps), places[parts[0]].size if parts else 0), volume.dtype)

    def middle(part: slice) -> FloatArray:
        here = places[part]
        gathered = [column[: here.size] for column in columns]
        for column, step in zip(gathered, steps, strict=True):
            scores.take(
                here + step, out=column, mode="clip"
            )  # all are inside; mode "raise" copies the column
        return medians(gathered)

    return _by_parts(middle, places.size, volume, iter(parts))


def _on_gpu(volume: FloatArray, corners: Corners, window: Window, device: str) -> FloatArray:
    import torch

    windows = torch.from_numpy(np.ascontiguousarray(volume)).to(device)
    for axis, size in enumerate(window):
        windows = windows.unfold(axis, size, 1)
    places = [torch.from_numpy(k).to(device) for k in corners]

    def middle(part: slice) -> FloatArray:
        rows = windows[tuple(k[part] for k in places)].reshape(-1, _count(window))
        # Not torch.median, which PyTorch refuses on a GPU where deterministic algorithms are required.
        return cast(FloatArray, rows.sort(dim=1).values[:, rows.shape[1] // 2].cpu().numpy())

    return _by_parts(middle, corners[0].size, volume, _parts(corners[0].size, window, GPU_BYTES))


def _by_parts(
    middle: Callable[[slice], FloatArray], n: int, volume: FloatArray, parts: Iterator[slice]
) -> FloatArray:
    found = np.empty(n, volume.dtype)
    for part in parts:
        found[part] = middle(part)
    return found


def _parts(n: int, window: Window, n_bytes: int) -> Iterator[slice]:
    """Slices of the voxels whose windows take about `n_bytes` together."""
    room = max(1, n_bytes // (4 * _count(window)))
    return (slice(start, start + room) for start in range(0, n, room))


def _count(window: Window) -> int:
    return window[0] * window[1] * window[2]
