"""CPU time and memory of the exact curve for more voxels than fit into memory.

    OMP_NUM_THREADS=1 python -m benchmarks.streaming --volumes 72 [--workers 1]

Prints one row of a Markdown table. The volumes, 1.4 M voxels each with 2 % lesion, are generated in each of the two
passes; the time for this is measured separately and subtracted.
"""

import argparse
import resource
import time
from collections.abc import Iterator

import numpy as np

from uad_bench.evaluate.curves.streamed_curve import BATCH
from uad_bench.evaluate.curves.two_pass import Volume, stream

VOXELS = 1_400_000
LESION = VOXELS // 50


class Volumes:
    """Half-normal scores, higher in one half of the lesion; equal in every pass."""

    def __init__(self, n: int) -> None:
        self.n, self.seconds = n, 0.0

    def __iter__(self) -> Iterator[Volume]:
        for seed in range(self.n):
            start = time.thread_time()
            rng = np.random.Generator(np.random.SFC64(seed))
            scores = rng.standard_normal(VOXELS, dtype=np.float32)
            np.abs(scores, out=scores)
            scores[: LESION // 2] += 2.5
            volume = Volume(scores[:LESION].copy(), scores[LESION:].copy())
            del scores
            self.seconds += time.thread_time() - start
            yield volume


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--volumes", type=int, default=72)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--batch", type=int, default=BATCH)
    options = parser.parse_args()
    source = Volumes(options.volumes)
    start, wall = time.process_time(), time.perf_counter()
    curve = stream(source, batch=options.batch, workers=options.workers)
    ap, best, auroc = curve.ap(), curve.best_dice(), curve.auroc()
    seconds, wall = time.process_time() - start, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    assert ap is not None and best is not None and auroc is not None
    columns = [
        "volumes",
        "voxels",
        "positives",
        "distinct",
        "workers",
        "CPU_s",
        "generation,_CPU_s",
        "wall_s",
        "peak,_GiB",
    ]
    print(f"| {' | '.join(columns).replace('_', ' ')} |")
    print("|" + "---|" * len(columns))
    print(
        f"| {options.volumes} | {curve.n_brain:.4g} | {curve.n_found:.3g} | {curve.points.tp.size:.3g} "
        f"| {options.workers} | {seconds - source.seconds:.1f} | {source.seconds:.1f} | {wall:.0f} | {peak:.2f} |"
    )
    print(f"\nAP {ap!r}, best Dice {best[0]!r}, AUROC {auroc!r}")


if __name__ == "__main__":
    main()
