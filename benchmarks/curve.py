"""CPU time, memory and exactness of the evaluation curve, compared with scikit-learn.

    OMP_NUM_THREADS=1 python -m benchmarks.curve --voxels 50_000_000

Prints a Markdown table. The curve gives average precision, best Dice and AUROC; scikit-learn computes average
precision alone. Both are measured in one process, in user + system CPU seconds, best of three. Memory is the peak
resident size above that of the loaded inputs, in a process of its own (Linux). The row "no AVX-512" repeats this with
NumPy's AVX-512 code disabled; benchmarks/README.md says where that is faster.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from uad_bench.evaluate.curves.curve import Curve

PREVALENCE = 0.02


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--voxels", type=int, default=50_000_000)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.folder, options.voxels)))
    else:
        report(options.voxels)


def report(voxels: int) -> None:
    """Write inputs once, measure each setting in fresh processes, print the rows."""
    avx512 = [name for name in simd() if name == "X86_V4" or name.startswith("AVX512")]
    settings: dict[str, dict[str, str]] = {"all": {}}
    if avx512:
        settings["no AVX-512"] = {"NPY_DISABLE_CPU_FEATURES": " ".join(avx512)}
    print("| voxels | SIMD | curve, CPU s | scikit-learn AP, CPU s | ratio | bytes/voxel | max difference |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        # A child's peak starts at its parent's size, so the inputs are never made in this process.
        child("inputs", Path(folder), voxels, {})
        for name, environment in settings.items():
            speed = child("speed", Path(folder), voxels, environment)
            memory = child("memory", Path(folder), voxels, environment)
            print(row(name, voxels, speed, memory), flush=True)


def row(setting: str, voxels: int, speed: dict[str, Any], memory: dict[str, Any]) -> str:
    """One line of the table."""
    cells = (
        f"{voxels / 1e6:g} M",
        f"{setting}: {' '.join(speed['simd'])}",
        f"{speed['curve']:.3f}",
        f"{speed['sklearn']:.2f}",
        f"{speed['sklearn'] / speed['curve']:.1f}",
        f"{memory['bytes'] / voxels:.2f}",
        f"{speed['difference']:.1e}",
    )
    return f"| {' | '.join(cells)} |"


def child(part: str, folder: Path, voxels: int, environment: dict[str, str]) -> dict[str, Any]:
    """The result of one part, computed in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.curve", "--part", part]
    command += ["--folder", str(folder), "--voxels", str(voxels)]
    done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def write_inputs(folder: Path, voxels: int) -> dict[str, Any]:
    """Half-normal scores, shifted by one in lesions."""
    rng = np.random.default_rng(0)
    lesion = rng.random(voxels, dtype=np.float32) < PREVALENCE
    scores = np.abs(rng.standard_normal(voxels, dtype=np.float32))
    scores[lesion] += 1
    np.save(folder / "scores.npy", scores)
    np.save(folder / "lesion.npy", lesion)
    return {}


def measure_speed(folder: Path, voxels: int) -> dict[str, Any]:
    """CPU seconds of both, and the largest difference from scikit-learn's AP, AUROC and best F1."""
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

    scores, lesion = np.load(folder / "scores.npy"), np.load(folder / "lesion.npy")
    curve_s, (ap, dice, auroc) = best_of_three(lambda: all_three(scores, lesion))
    sklearn_s, reference = best_of_three(lambda: average_precision_score(lesion, scores))
    precision, recall, _ = precision_recall_curve(lesion, scores)
    f1 = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-300))
    differences = (ap - reference, auroc - roc_auc_score(lesion, scores), dice - f1)
    worst = max(abs(float(difference)) for difference in differences)
    return {"curve": curve_s, "sklearn": sklearn_s, "difference": worst, "simd": simd()}


def measure_memory(folder: Path, voxels: int) -> dict[str, Any]:
    """Peak bytes above the loaded inputs."""
    scores, lesion = np.load(folder / "scores.npy"), np.load(folder / "lesion.npy")
    all_three(scores[:1000], lesion[:1000])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    all_three(scores, lesion)
    return {"bytes": 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)}


def all_three(scores: Any, lesion: Any) -> tuple[float, float, float]:
    """AP, best Dice, AUROC."""
    curve = Curve.of(scores, lesion)
    ap, best, auroc = curve.ap(), curve.best_dice(), curve.auroc()
    assert ap is not None and best is not None and auroc is not None
    return ap, best[0], auroc


def best_of_three(call: Callable[[], Any]) -> tuple[float, Any]:
    """The shortest CPU time of three calls in seconds, and the result."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        answer = call()
        seconds.append(time.process_time() - start)
    return min(seconds), answer


def simd() -> list[str]:
    """The instruction sets beyond its baseline that this NumPy uses here."""
    config: Any = np.show_config(mode="dicts")
    return list(config["SIMD Extensions"].get("found", []))


PARTS: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "inputs": write_inputs,
    "speed": measure_speed,
    "memory": measure_memory,
}

if __name__ == "__main__":
    main()
