"""CPU time of the voxel metrics and of AUPRO for one volume of 192 x 192 x 100, with 1.14 M voxels in the brain.

    OMP_NUM_THREADS=1 python -m benchmarks.volume

Prints a Markdown table, the best of five. "all voxel metrics": one curve from map and masks, and from it AP, AP gain,
best Dice, AUROC, partial AUROC, prevalence, sensitivity at two false-positive rates and Dice at four thresholds.
"AUPRO": at two limits. "engine": the evaluation of this case with both, and a thousand resamples.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.engine import evaluate
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.aupro import Aupro05, Aupro30
from uad_bench.evaluate.metrics.voxel import (
    Auroc,
    AveragePrecision,
    AveragePrecisionGain,
    Dice,
    PartialAuroc05,
    PartialAuroc30,
    Prevalence,
    Sensitivity01,
    Sensitivity05,
)  # fmt: skip
from uad_bench.types import Scored

VOXEL = (AveragePrecision(), AveragePrecisionGain(), Auroc(), Prevalence(), PartialAuroc30(), PartialAuroc05(),
         Sensitivity05(), Sensitivity01())  # fmt: skip
THRESHOLDS = (1.0, 1.5, 2.0, 2.5)


def main() -> None:
    """Measure, print a table."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    scored = volume()
    _, lesions = ndimage.label(scored.lesion_mask, np.ones((3, 3, 3)))
    parts: dict[str, Callable[[], object]] = {
        "all voxel metrics": lambda: voxel(scored),
        "AUPRO": lambda: aupro(scored),
        "engine, both, with resamples": lambda: evaluate([scored], [*VOXEL, Aupro30(), Aupro05()], {}),
    }
    sizes = int(scored.brain_mask.sum()), int(scored.lesion_mask.sum()), lesions
    print("{} voxels in the brain, {} of lesion, {} lesions\n".format(*sizes))
    print("| part | CPU s |\n|---|---|")
    for name, call in parts.items():
        print(f"| {name} | {best_of_five(call):.4f} |")


def voxel(scored: Scored) -> list[object]:
    """All metrics of one curve."""
    curve = Curve.of_case(scored)
    values = [metric.case(View(curve, scored)) for metric in VOXEL]
    return [*values, *(Dice().case(View(curve, scored, at)) for at in THRESHOLDS), curve.best_dice()]


def aupro(scored: Scored) -> list[object]:
    """AUPRO at both limits from one curve."""
    curve = Curve.of_case(scored, regions=True)
    metrics: Sequence[Metric] = (Aupro30(), Aupro05())
    return [metric.case(View(curve, scored)) for metric in metrics]


def volume() -> Scored:
    """An ellipsoid brain with round lesions of many sizes."""
    rng = np.random.default_rng(0)
    shape = (192, 192, 100)
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    brain = (grid**2).sum(axis=0) < 0.714
    lesion = np.zeros(shape, bool)
    for centre in rng.uniform(-0.5, 0.5, (24, 3, 1, 1, 1)):
        lesion |= ((grid - centre) ** 2).sum(axis=0) < rng.uniform(0.02, 0.13) ** 2
    scores = np.abs(rng.standard_normal(shape, dtype=np.float32)) + lesion
    return Scored("a", scores, brain, lesion & brain, (1, 1, 1))


def best_of_five(call: Callable[[], object]) -> float:
    """The shortest CPU time of five calls, seconds."""
    seconds = []
    for _ in range(5):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
