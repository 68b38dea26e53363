"""CPU time of the exact median filter at brain voxels, compared with scipy's filter over the box around the brain.

    OMP_NUM_THREADS=1 python -m benchmarks.median [--device cuda]

Prints a Markdown table: one volume of 192 x 192 x 100 with 1.14 M voxels in the brain, filters of several sizes, both
ways in turn in one process, best of three; "same bits": of all brain voxels. --device: also by torch on a GPU, wall
time with the copies to the GPU and back.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from benchmarks.volume import volume
from uad_bench.evaluate.grid.median import Window, median_in
from uad_bench.types import BoolArray, FloatArray

WINDOWS: tuple[Window, ...] = ((5, 5, 1), (7, 7, 1), (3, 3, 3), (5, 5, 5), (7, 7, 7))
REACH = 3


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="", help="a GPU that torch knows, such as cuda")
    device = parser.parse_args().device
    scored = volume()
    box = ndimage.find_objects(scored.brain_mask.astype(np.uint8))[0]
    scores, brain = (np.pad(array[box], REACH) for array in (scored.map, scored.brain_mask))
    head = f" {device}, wall s | same bits |" if device else ""
    print(f"| window | scipy, CPU s | brain only, CPU s | ratio | same bits |{head}")
    print("|" + "---|" * (head.count("|") + 5))
    for window in WINDOWS:
        print(row(scores, brain, window, device))


def row(scores: FloatArray, brain: BoolArray, window: Window, device: str) -> str:
    """One line of the table."""
    by_scipy, reference = timed(lambda: ndimage.median_filter(scores, size=window)[brain], time.process_time)
    ours, found = timed(lambda: median_in(scores, brain, window), time.process_time)
    cells = [f"{by_scipy:.3f}", f"{ours:.3f}", f"{by_scipy / ours:.1f}", same(found, reference)]
    if device:
        seconds, found = timed(lambda: median_in(scores, brain, window, device), time.perf_counter)
        cells += [f"{seconds:.3f}", same(found, reference)]
    return f"| {'×'.join(map(str, window))} | {' | '.join(cells)} |"


def same(found: FloatArray, expected: FloatArray) -> str:
    """Whether two arrays have the same bytes."""
    return "yes" if found.tobytes() == expected.tobytes() else "no"


def timed(call: Callable[[], FloatArray], clock: Callable[[], float]) -> tuple[float, FloatArray]:
    """The shortest time of three calls, and what the last one gave."""
    seconds = []
    for _ in range(3):
        start = clock()
        found = call()
        seconds.append(clock() - start)
    return min(seconds), found


if __name__ == "__main__":
    main()
