"""Lesion-wise and surface metrics of one 192 x 192 x 100 volume, compared with a loop over lesions and MONAI.

    OMP_NUM_THREADS=1 python -m benchmarks.lesion

The volume has 22 lesions. Prints a Markdown table: CPU seconds of the process, the best of three, each time with a
new `View`, so that no intermediate result is reused. "loop" is the lesion-wise Dice of BraTS computed for one lesion
after the other over the whole volume (one call).
"""

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.surface_dice import compute_surface_dice
from monai.metrics.surface_distance import compute_average_surface_distance
from scipy import ndimage
from torch import as_tensor

from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import Metric, View
from uad_bench.evaluate.metrics.brats import LesionDiceBrats, LesionHd95Brats
from uad_bench.evaluate.metrics.lesion import LesionF1, LesionF1Iou10
from uad_bench.evaluate.metrics.surface import Assd, Hd95, Nsd1, Nsd2
from uad_bench.types import BoolArray, Scored

SHAPE = (192, 192, 100)
TOUCHING = np.ones((3, 3, 3), bool)
COLUMNS = (
    "prediction", "components", "lesion F1, s", "BraTS Dice and HD95, s", "loop, Dice only, s",
    "HD95, ASSD, NSD 1, NSD 2, s", "MONAI, s", "largest difference to MONAI",
)  # fmt: skip


def main() -> None:
    """Measure, print a table."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    warnings.simplefilter("ignore", FutureWarning)
    rng = np.random.default_rng(0)
    brain, truth = ellipsoid(), lesions(rng)
    shifted = np.roll(truth, 2, 0) & brain
    smooth = ndimage.gaussian_filter(rng.normal(size=SHAPE), 2)
    predictions = {
        "lesions, 2 mm off": shifted,
        "the same and 0.3 % single voxels": (shifted | (rng.random(SHAPE) < 0.003)) & brain,
        "the same and 5 % of smooth noise": (shifted | (smooth > np.quantile(smooth, 0.95))) & brain,
        "the whole brain": brain,
    }
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    for name, prediction in predictions.items():
        print(f"| {name} " + row(prediction, truth, brain), flush=True)


def ellipsoid() -> BoolArray:
    """A brain of 1.6 million voxels."""
    x, y, z = np.indices(SHAPE)
    inside: BoolArray = ((x - 96) / 75) ** 2 + ((y - 96) / 88) ** 2 + ((z - 50) / 60) ** 2 < 1
    return inside


def lesions(rng: np.random.Generator) -> BoolArray:
    """22 balls of 1.5 to 12 mm."""
    grid, mask = np.indices(SHAPE), np.zeros(SHAPE, bool)
    for _ in range(22):
        centre = np.array([96, 96, 50]) + rng.uniform(-1, 1, 3) * [50, 60, 30]
        squared = sum((axis - c) ** 2 for axis, c in zip(grid, centre, strict=True))
        mask |= squared < rng.uniform(1.5, 12) ** 2
    return mask


def row(prediction: BoolArray, truth: BoolArray, brain: BoolArray) -> str:
    """The row of one prediction."""
    scored = prediction.astype(np.float32)
    curve = Curve.of_case(Scored("c", scored, brain, truth, (1.0, 1.0, 1.0)))

    def values_of(*metrics: Metric) -> list[float]:
        view = View(curve, Scored("c", scored, brain, truth, (1.0, 1.0, 1.0)), 0.5)
        values = [metric.case(view) for metric in metrics]
        return [value.value for value in values if value is not None and value.value is not None]

    n = ndimage.label(prediction, TOUCHING)[1]
    counted, _ = timed(lambda: values_of(LesionF1(), LesionF1Iou10()))
    brats, _ = timed(lambda: values_of(LesionDiceBrats(), LesionHd95Brats()))
    slow, (dice,) = timed(lambda: [loop(prediction, truth)], repeats=1)
    assert abs(dice - values_of(LesionDiceBrats())[0]) < 1e-12
    ours, values = timed(lambda: values_of(Hd95(), Assd(), Nsd1(), Nsd2()))
    theirs, expected = timed(lambda: monai(prediction, truth))
    apart = max(abs(a - b) for a, b in zip(values, expected, strict=True))
    return f"| {n} | {counted:.3f} | {brats:.3f} | {slow:.1f} | {ours:.3f} | {theirs:.3f} | {apart:.0e} |"


def loop(prediction: BoolArray, truth: BoolArray) -> float:
    """The lesion-wise Dice of BraTS 2023, step by step."""
    structure = ndimage.generate_binary_structure(3, 2)
    found, n_found = ndimage.label(prediction, TOUCHING)
    zones, n = ndimage.label(ndimage.binary_dilation(truth, structure, iterations=3), TOUCHING)
    dices, matched = [], set[int]()
    for k in range(1, n + 1):
        lesion = truth & (zones == k)
        near = ndimage.binary_dilation(lesion, structure, iterations=3)
        mine = set(np.unique(found[near]).tolist()) - {0}
        matched |= mine
        guess = np.isin(found, list(mine))
        if lesion.sum() > 50:
            dices.append(2 * np.count_nonzero(guess & lesion) / (guess.sum() + lesion.sum()))
    return float(sum(dices) / (len(dices) + n_found - len(matched)))


def monai(prediction: BoolArray, truth: BoolArray) -> list[float]:
    """HD95, ASSD and NSD at 1 and 2 mm by MONAI."""
    a, b = (as_tensor(mask)[None, None].float() for mask in (prediction, truth))
    found = [
        compute_hausdorff_distance(a, b, include_background=True, percentile=95),
        compute_average_surface_distance(a, b, include_background=True, symmetric=True),
        *(compute_surface_dice(a, b, [mm], include_background=True) for mm in (1.0, 2.0)),
    ]
    return [float(value) for value in found]


def timed(call: Callable[[], list[float]], repeats: int = 3) -> tuple[float, list[float]]:
    """CPU seconds of the fastest call, and its result."""
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        answer = call()
        seconds.append(time.process_time() - began)
    return min(seconds), answer


if __name__ == "__main__":
    main()
