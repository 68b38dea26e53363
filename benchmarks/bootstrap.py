"""CPU time of a thousand bootstrap resamples of patients, compared with resampling voxels and scikit-learn.

    OMP_NUM_THREADS=1 python -m benchmarks.bootstrap

Prints a Markdown table: patients; voxels per patient; CPU seconds to build their curves; CPU seconds of pooled AP,
AUROC and Dice under 1,000 resamples, given the curves; CPU seconds of one resample with concatenated voxels and
scikit-learn's average precision alone; and the largest difference in AP over the resamples that were computed in both
ways.
"""

import argparse
import time

import numpy as np

from uad_bench.evaluate.curves.bootstrap import BootstrapCase, Resampled, resamples
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.curves.two_pass import Volume, stream

#: Patients, voxels per patient, resamples that are also computed from concatenated voxels.
SETTINGS = ((36, 200_000, 3), (1152, 200_000, 0))
THRESHOLD = 2.0


def main() -> None:
    """Measure, print a table."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    columns = "patients, voxels each, accumulation s, 1000 resamples s, one with scikit-learn s, ratio, AP difference"
    print(f"| {columns.replace(', ', ' | ')} |")
    print("|" + "---|" * 7)
    for setting in SETTINGS:
        print(row(*setting), flush=True)


def row(n: int, voxels: int, checked: int) -> str:
    """One line of the table."""
    volumes = [volume(seed, voxels) for seed in range(n)]
    start = time.process_time()
    pool = stream(volumes, thresholds=[THRESHOLD])
    patients = [BootstrapCase.of(Curve.from_split(*v), [THRESHOLD]) for v in volumes]
    accumulated = time.process_time() - start
    start = time.process_time()
    resampled = Resampled(patients, pool.points)
    found = resampled.ap(), resampled.auroc(), resampled.dice_at(THRESHOLD)
    seconds = time.process_time() - start
    naive, difference = with_sklearn(volumes, found[0], checked)
    ratio = 1000 * naive / seconds
    shown = (f"{naive:.2f}", f"{ratio:.0f}", f"{difference:.1e}") if checked else ("", "", "")
    return f"| {n} | {voxels} | {accumulated:.2f} | {seconds:.3f} | {' | '.join(shown)} |"


def volume(seed: int, voxels: int) -> Volume:
    """Half-normal scores, higher in lesions; patients differ in lesion load and contrast."""
    rng = np.random.default_rng(seed)
    scores = np.abs(rng.standard_normal(voxels, dtype=np.float32)) * np.float32(rng.uniform(0.7, 1.4))
    lesion = int(voxels * rng.uniform(0.002, 0.04))
    return Volume(scores[:lesion] + np.float32(rng.uniform(0, 2)), scores[lesion:])


def with_sklearn(volumes: list[Volume], found: np.ndarray, checked: int) -> tuple[float, float]:
    """CPU seconds of one resample with concatenated voxels, and the largest difference in AP."""
    from sklearn.metrics import average_precision_score

    start, differences = time.process_time(), [0.0]
    for draw, weights in enumerate(resamples(len(volumes))[:checked]):
        taken = [v for v, times in zip(volumes, weights, strict=True) for _ in range(times)]
        scores = np.concatenate([part for v in taken for part in (v.positives, v.negatives)])
        lesion = np.concatenate(
            [np.arange(v.positives.size + v.negatives.size) < v.positives.size for v in taken]
        )
        differences.append(abs(float(average_precision_score(lesion, scores)) - found[draw]))
    return (time.process_time() - start) / max(checked, 1), max(differences)


if __name__ == "__main__":
    main()
