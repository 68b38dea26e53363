"""Patch2Loc, variant conv: location error and AP against training time, on the development cohort.

    OMP_NUM_THREADS=1 python -m benchmarks.quality --out quality/ [--seeds 0,1] [--only "patch 24"]
    python -m benchmarks.quality --plot --out quality/
    python -m benchmarks.quality --spacing 1 --every 16 --lesions 6 --only "conv, 24 mm at 1 mm" --out quality/

Each network is trained for every number of steps and every seed (a shorter training is not the beginning of a longer
one, because the learning rate falls to 0 over each). Median location error on validation slices in percent of the
slice, and AP over all voxels of subjects with lesions as a ratio to prevalence, against CPU seconds of training;
every 4th slice, after the protocol's post-processing. The networks "at 1 mm" need `--spacing 1`; their median has 9
pixels, 9 mm, where 5 pixels at 2 mm are 10 mm. `--plot` prints a Markdown table and draws quality.png.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from benchmarks.beyond import EVERY, PLAIN, Selection, Subjects, load_subjects, postprocessed
from uad_bench import Context, SliceStack
from uad_bench.cohort.cohort import Member
from uad_bench.evaluate.postprocess import Median
from uad_methods.patch2loc import Patch2Loc

#: The published network with an eighth of the published patches a step.
PUBLISHED: dict[str, Any] = {
    "network": "resnet", "slices": 45, "candidates": 4048, "lr": 1e-2, "schedule": "constant", "clip": 0,
}  # fmt: skip
#: Networks, each with its numbers of training steps.
NETWORKS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "patch 24": ({}, (250, 500, 1000, 2000)),
    "patch 24, width 16": ({"width": 16}, (500, 1000, 2000, 4000)),
    "patch 24, width 48": ({"width": 48}, (500, 1000)),
    "patch 12": ({"patch": 12}, (500, 2000, 6000)),
    "patch 16": ({"patch": 16}, (500, 2000)),
    "patch 32": ({"patch": 32}, (500, 1000)),
    "conv, 24 mm at 2 mm": ({"patch": 12}, (500,)),
    "conv, 48 mm at 2 mm": ({"patch": 24}, (500,)),
    "conv, 24 mm at 1 mm": ({"patch": 24}, (500,)),
    "conv, 48 mm at 1 mm": ({"patch": 48}, (500,)),
    "published, 24 mm at 2 mm": ({**PUBLISHED, "patch": 12}, (200,)),
    "published, 24 mm at 1 mm": ({**PUBLISHED, "patch": 24}, (200,)),
    "published, 48 mm at 1 mm": ({**PUBLISHED, "patch": 48}, (200,)),
}


def main() -> None:
    """Measure what is missing, or draw existing results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--only", nargs="*", default=[name for name in NETWORKS if name.startswith("patch")])
    parser.add_argument("--spacing", type=int, default=2, choices=(1, 2), help="of the cohort, mm")
    parser.add_argument("--every", type=int, default=EVERY, help="every n-th slice is scored")
    parser.add_argument("--lesions", type=int, default=12, help="subjects of each lesion kind")
    parser.add_argument("--steps-up-to", type=int, default=10_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plot", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.plot:
        report(given.out)
        return
    if wrong := [name for name in given.only if f"at {3 - given.spacing} mm" in name]:
        parser.error(f"--spacing {given.spacing} is not that of: {', '.join(wrong)}")
    torch.set_num_threads(1)
    subjects = load_subjects({}, given.spacing)
    for name in given.only:
        options, budgets = NETWORKS[name]
        for steps in (one for one in budgets if one <= given.steps_up_to):
            for seed in map(int, given.seeds.split(",")):
                path = given.out / f"{name}.{steps}.{seed}.json"
                if not path.exists():
                    found = measured(
                        {**PLAIN, **options, "steps": steps}, seed, subjects, given.every, given.lesions
                    )
                    path.write_text(json.dumps({"network": name, "steps": steps, "seed": seed, **found}))
                    print(path.stem, found, flush=True)


def measured(
    options: Mapping[str, Any], seed: int, subjects: Subjects, every: int = EVERY, lesions: int = 12
) -> dict[str, float]:
    """CPU seconds of training, median location error (percent), and ratios of AP to prevalence (all, iso)."""
    method, ctx = Patch2Loc(**options), Context(seed=seed)
    began = time.process_time()
    method.fit(Selection(subjects.train, ["t2"]), Selection(subjects.val, ["t2"]), ctx)
    found = {"cpu_s": time.process_time() - began, "error": location_error(method, subjects, ctx)}
    began, kinds = time.process_time(), list[str]()
    scores, labels = list[Any](), list[Any]()
    for member in first_of_each_kind(subjects.tests["phantom"][0], lesions):
        scan = Selection([member], ["t2"], every)[0]
        steps = (Median(size=9, axes=2),) if scan.spacing[0] == 1 else None
        scores.append(postprocessed(method.score(scan, ctx), scan, steps)[scan.brain_mask])
        labels.append(member.prepared.truth().lesion_mask[scan.brain_mask])
        kinds.append(member.case.lesion_kind)
    found["score_s"] = (time.process_time() - began) * every / len(scores)
    for name in ("all", "iso"):
        chosen = [i for i, kind in enumerate(kinds) if name in ("all", kind)]
        truth = np.concatenate([labels[i] for i in chosen])
        ap = average_precision_score(truth, np.concatenate([scores[i] for i in chosen]))
        found[name] = float(ap / truth.mean())
    return found


def first_of_each_kind(members: Sequence[Member], count: int) -> list[Member]:
    """The first subjects of each lesion kind."""
    kinds = sorted({member.case.lesion_kind for member in members})
    return [m for kind in kinds for m in [m for m in members if m.case.lesion_kind == kind][:count]]


@torch.no_grad()
def location_error(method: Patch2Loc, subjects: Subjects, ctx: Context) -> float:
    """Median distance between predicted and true location, percent of the slice, on validation slices."""
    batch = SliceStack(Selection(subjects.val, ["t2"]), ctx).spread(64)
    sample = method.samples(batch, "error", ctx)[0]
    mean, _ = method.net_.eval()(sample.inputs, sample.height, sample.kept)
    return float((mean - sample.target).norm(dim=1).median())


def report(out: Path) -> None:
    """Print the table and draw it."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = [json.loads(path.read_text()) for path in sorted(out.glob("*.json"))]
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    print(
        "| network | steps | seeds | CPU s | location error, % | AP / prevalence | iso | scoring, s/volume |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name in NETWORKS:
        line = [(steps, mean_of(name, steps, rows)) for steps in NETWORKS[name][1]]
        line = [(steps, one) for steps, one in line if one]
        for steps, one in line:
            print(f"| {name} | {steps} | {one['n']:.0f} | {one['cpu_s']:.0f} | {one['error']:.2f} "
                  f"| {one['all']:.1f} | {one['iso']:.1f} | {one['score_s']:.1f} |")  # fmt: skip
        for axis, key in zip(axes, ("error", "all"), strict=True):
            axis.plot([one["cpu_s"] for _, one in line], [one[key] for _, one in line], "o-", label=name)
    for axis, label in zip(
        axes, ("median location error, % of a slice", "pooled AP / prevalence"), strict=True
    ):
        axis.set(xlabel="training, CPU seconds", ylabel=label, xscale="log")
        axis.grid(alpha=0.3)
    axes[1].legend(fontsize=8)
    figure.savefig(out / "quality.png", dpi=120)


def mean_of(name: str, steps: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The mean of every value over seeds; empty where nothing was measured."""
    found = [row for row in rows if row["network"] == name and row["steps"] == steps]
    keys = ("cpu_s", "error", "all", "iso", "score_s") if found else ()
    return {key: float(np.mean([row[key] for row in found])) for key in keys} | (
        {"n": len(found)} if found else {}
    )


if __name__ == "__main__":
    main()
