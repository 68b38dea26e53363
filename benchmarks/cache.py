"""CPU time to find prepared cases in the cache, and to read one axial slice.

    OMP_NUM_THREADS=1 python -m benchmarks.cache [--cases 40]

Source volumes of 240 x 240 x 155 voxels (int16, gzip) are prepared on grids of 80 x 96 x 80 and 160 x 192 x 160.
"files opened" counts the source files that were opened while the cases were found in the cache; it must be 0.
"""

import argparse
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np

from uad_bench.data.nifti import header_checks
from uad_bench.prepare.cache.prepared_case import find_prepared, prepare_case
from uad_bench.types import Case

GRIDS = {"2 mm": ([2, 2, 2], [80, 96, 80]), "1 mm": ([1, 1, 1], [160, 192, 160])}
SHAPE = (240, 240, 155)


def main() -> None:
    """Print one Markdown row per grid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=40)
    count = parser.parse_args().cases
    columns = ["grid", "cases", "from the cache, CPU ms per case", "files opened", "random slice, CPU ms"]
    print(f"| {' | '.join([*columns, 'first time, CPU s per case'])} |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        cases = [make_case(Path(folder), number) for number in range(count)]
        for name, (spacing, shape) in GRIDS.items():
            print(row(name, cases, spacing, shape, Path(folder) / "cache"))


def make_case(folder: Path, number: int) -> Case:
    """A case: an ellipsoid filled with noise, background 0."""
    x, y, z = (np.arange(n) - n / 2 for n in SHAPE)
    ball = (x[:, None, None] / 70) ** 2 + (y[:, None] / 80) ** 2 + (z / 65) ** 2 < 1
    noise = np.random.default_rng(number).integers(200, 800, SHAPE)
    path = folder / f"case{number}_t2.nii.gz"
    nib.save(nib.Nifti1Image(np.where(ball, noise, 0).astype(np.int16), np.eye(4)), path)
    name = f"case{number}"
    return Case("ball", name, name, {"t2": path}, healthy=True, stripped=True)


def row(name: str, cases: list[Case], spacing: list[int], shape: list[int], cache: Path) -> str:
    """The row of one grid."""
    steps = [
        {"step": "canonical"}, {"step": "brain_mask"},
        {"step": "resample", "spacing": spacing, "shape": shape}, {"step": "scale"},
    ]  # fmt: skip
    began = time.process_time()
    ready = [prepare_case(case, ["t2"], steps, cache) for case in cases]
    cold = (time.process_time() - began) / len(cases)
    opened, real = [], header_checks._raw
    header_checks._raw = lambda path, where, most=-1: (opened.append(path), real(path, where, most))[1]
    began = time.process_time()
    found = [find_prepared(case, ["t2"], steps, cache) for case in cases]
    ms = (time.process_time() - began) / len(cases) * 1000
    assert all(found)
    scans, draw = [one.scan() for one in ready], np.random.default_rng(0)
    began = time.process_time()
    for _ in range(2000):
        scans[draw.integers(len(scans))].image[0, :, :, draw.integers(shape[2])].sum()
    slice_ms = (time.process_time() - began) / 2
    return f"| {name} | {len(cases)} | {ms:.2f} | {len(opened)} | {slice_ms:.3f} | {cold:.2f} |"


if __name__ == "__main__":
    main()
