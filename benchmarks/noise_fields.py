"""Diffusion methods on the phantom: one noise field for a batch or volume (published) against one field for each slice.

    OMP_NUM_THREADS=1 python -m benchmarks.noise_fields --out noise/ [--seeds 0,1,2] [--steps 500] [--subjects 36]
    python -m benchmarks.noise_fields --table --out noise/

Each method is trained with the preset of protocol `phantom` and either kind of noise, in training and at test time. AP
over the brain voxels of each test subject with lesions: of the raw map, after the protocol's median of 5 x 5 pixels in
the slice, and after the papers' median of 5 x 5 x 5 voxels. `--table` prints Markdown: the mean over subjects, then
mean and sample standard deviation over seeds.
"""

import argparse
import json
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from sklearn.metrics import average_precision_score

from uad_bench.cohort.cohort import Cohort, Scans
from uad_bench.cohort.discovery import Sources
from uad_bench.cohort.gather import gather
from uad_bench.config import RunSpec
from uad_bench.evaluate.postprocess import Median, Step
from uad_bench.method.context import Context
from uad_bench.pipeline.matrix import Matrix
from uad_bench.pipeline.model import build

METHODS = ("ddpm", "pddpm", "cddpm")
FIELDS = ("batch", "slice")
#: Post-processing of a map.
MAPS: dict[str, tuple[Step, ...]] = {
    "raw": (),
    "median 5x5": (Median(size=5, axes=2),),
    "median 5x5x5": (Median(size=5, axes=3),),
}


def main() -> None:
    """Measure what is missing, seed by seed, or print the table of existing results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--steps", type=int, default=500, help="of training; 500 is the preset")
    parser.add_argument("--subjects", type=int, default=36, help="test subjects with lesions, equally spaced")
    parser.add_argument("--noise", default="simplex", help="simplex (published) or stationary")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.table:
        print("\n".join(table(given.out)))
        return
    torch.set_num_threads(1)
    cohort = None
    for seed in map(int, given.seeds.split(",")):
        for name, fields in product(given.methods.split(","), FIELDS):
            path = given.out / f"{name}.{fields}.{seed}.json"
            if path.exists():
                continue
            chosen = {"fields": fields, "steps": given.steps, "noise": given.noise}
            settings = [([name, key], value) for key, value in chosen.items()]
            (spec,) = Matrix([name], [seed], "phantom", settings=settings).specs()
            cohort = cohort or gather(spec, Sources(Path(platformdirs.user_cache_dir("uad-bench"))))
            found = {"method": name, "fields": fields, **measured(spec, cohort, given.subjects)}
            path.write_text(json.dumps(found))
            print(path.stem, {key: found[key] for key in (*MAPS, "fit_s", "score_s")}, flush=True)


def measured(spec: RunSpec, cohort: Cohort, subjects: int) -> dict[str, Any]:
    """Mean AP by post-processing, AP of each subject, prevalence, and CPU seconds of training and per scan."""
    method, ctx = build(spec), Context(seed=spec.seed)
    began = time.process_time()
    method.fit(Scans(cohort.of("train")), Scans(cohort.of("val")), ctx)
    found: dict[str, Any] = {"steps": spec.parameters["steps"], "fit_s": time.process_time() - began}
    members = [member for member in cohort.of("test") if not member.case.healthy]
    members = members[:: max(1, len(members) // subjects)]
    values: dict[str, dict[str, float]] = {name: {} for name in MAPS}
    prevalence, score_s = [], 0.0
    for member in members:
        scan, lesion = member.prepared.scan(), member.prepared.truth().lesion_mask
        began = time.process_time()
        raw = np.asarray(method.score(scan, ctx), np.float32)
        score_s += time.process_time() - began
        labels = lesion[scan.brain_mask]
        prevalence.append(labels.mean())
        for name, steps in MAPS.items():
            scores, brain = raw, scan.brain_mask
            for step in steps:
                scores, brain = step.run(scores, brain)
            values[name][member.case.case_id] = float(
                average_precision_score(labels, scores[scan.brain_mask])
            )
    found |= {name: float(np.mean(list(one.values()))) for name, one in values.items()}
    return found | {
        "cases": values,
        "prevalence": float(np.mean(prevalence)),
        "score_s": score_s / len(members),
    }


def table(out: Path) -> list[str]:
    """Markdown: a row for each method and kind of noise."""
    rows = [json.loads(path.read_text()) for path in sorted(out.glob("*.json"))]
    lines = [
        f"| method | noise field for each | seeds | {' | '.join(MAPS)} |",
        f"|---|---|---|{'---|' * len(MAPS)}",
    ]
    for method in METHODS:
        for fields in FIELDS:
            some = [row for row in rows if (row["method"], row["fields"]) == (method, fields)]
            if some:
                cells = " | ".join(spread([row[name] for row in some]) for name in MAPS)
                what = "batch or volume (published)" if fields == "batch" else "slice"
                lines.append(f"| {method} | {what} | {len(some)} | {cells} |")
    return lines


def spread(values: Sequence[float]) -> str:
    """Mean and sample standard deviation over seeds."""
    deviation = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{deviation}"


if __name__ == "__main__":
    main()
