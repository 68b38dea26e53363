"""Diffusion methods: one noise field for a batch or volume (published) compared with one field for each slice.

    uad-bench run ddpm ddpm:slice-noise pddpm pddpm:slice-noise cddpm cddpm:slice-noise --seeds 3 --out RUNS
    python -m benchmarks.noise_fields RUNS...

Reads the stored maps of finished runs. AP over the brain voxels of each test subject with lesions: of the raw map,
after the protocol's median of 5 x 5 pixels in the slice, and after the papers' median of 5 x 5 x 5 voxels. Prints
Markdown: the mean over subjects, then mean and sample standard deviation over seeds.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import platformdirs
from sklearn.metrics import average_precision_score

from uad_bench.cohort.discovery import Sources
from uad_bench.evaluate.postprocess import Median, Step
from uad_bench.leaderboard.collect import summarise
from uad_bench.results.find_runs import find_runs
from uad_bench.results.run_cases import available_members, rows_of_tests
from uad_bench.results.run_directory import RunDir
from uad_bench.results.scored_maps import ScoredMaps
from uad_bench.types import Scored

METHODS = ("ddpm", "pddpm", "cddpm")
FIELDS = {"": "batch or volume (published)", ":slice-noise": "slice"}
#: Post-processing of a map.
MAPS: dict[str, tuple[Step, ...]] = {
    "raw": (),
    "median 5 × 5": (Median(size=5, axes=2),),
    "median 5 × 5 × 5": (Median(size=5, axes=3),),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    given = parser.parse_args()
    wanted = [name + variant for name in METHODS for variant in FIELDS]
    runs = [run for run in find_runs(given.runs) if summarise(run).state == "complete"]
    print(
        f"| method | noise field for each | seeds | {' | '.join(MAPS)} |\n|---|---|---|{'---|' * len(MAPS)}"
    )
    for name in wanted:
        found = [mean_ap(run) for run in runs if run.spec().method == name]
        print(row(name, found), flush=True)


def mean_ap(run: RunDir) -> dict[str, float]:
    """AP by post-processing, mean over the subjects with lesions of the protocol's own test set."""
    spec = run.spec()
    folder = os.environ.get("UAD_BENCH_CACHE") or platformdirs.user_cache_dir("uad-bench")
    rows = rows_of_tests(run, (), spec.protocol.train)
    members, _ = available_members(run, rows, Sources(Path(folder)))
    members = [member for member in members if not member.case.healthy]
    return {
        name: float(np.mean([ap(view) for view in ScoredMaps(run, members, spec, steps)]))
        for name, steps in MAPS.items()
    }


def ap(view: Scored) -> float:
    """AP over the brain voxels of one map."""
    brain = view.brain_mask
    return float(average_precision_score(view.lesion_mask[brain], view.map[brain]))


def row(name: str, found: Sequence[Mapping[str, float]]) -> str:
    """A row of the table."""
    cells = [spread([one[name] for one in found]) for name in MAPS]
    fields = FIELDS[":slice-noise" if ":" in name else ""]
    return f"| `{name}` | {fields} | {len(found)} | {' | '.join(cells)} |"


def spread(values: Sequence[float]) -> str:
    """Mean and sample standard deviation over seeds."""
    deviation = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{deviation}" if values else ""


if __name__ == "__main__":
    main()
