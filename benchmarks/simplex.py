"""Simplex noise: time to draw fields of 96 x 96 pixels, for one slice, a batch and a volume.

    OMP_NUM_THREADS=1 python -m benchmarks.simplex [--device cuda]

Six octaves, the best of five. CPU milliseconds, or wall-clock milliseconds on a GPU.
"""

import argparse
import time
from functools import partial

import numpy as np
import torch

from uad_methods.parts.training.simplex import simplex_fields, simplex_volume_fields


def main() -> None:
    """Print one Markdown row per kind of noise and number of fields."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    device = parser.parse_args().device
    print(f"| noise | fields | ms on {device} | ms per field |\n|---|---|---|---|")
    rng = np.random.default_rng(0)
    for count in (1, 32, 80):
        flat = partial(simplex_fields, count, (96, 96), rng, device)
        deep = partial(simplex_volume_fields, count, (96, 96), 499.0, rng, device)
        for name, make in (("2D", flat), ("3D", deep)):
            ms = 1000 * min(seconds(make, device) for _ in range(5))
            print(f"| {name} | {count} | {ms:.1f} | {ms / count:.2f} |")


def seconds(make, device):
    """Seconds of one call."""
    if device == "cpu":
        began = time.process_time()
        make()
        return time.process_time() - began
    began = time.perf_counter()
    make()
    torch.cuda.synchronize(device)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
